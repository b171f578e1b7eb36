"""Completion of the command in a shell: a script that knows the verbs, their flags, and what some of these may be."""

import re
from collections.abc import Iterable, Mapping

SHELLS = ("bash", "zsh")

FLAG = re.compile(r"(?<![\w-])--?[a-z][\w.-]*")
CHOICE = re.compile(r"(--[a-z][\w.-]*) \{([^}]*)\}(?!=)")
WORD = re.compile(r"[\w./-]+")

SCRIPT = """\
_advnets() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" verb="${{COMP_WORDS[1]}}" known=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    known="{verbs}"
  else
    case "$verb $before" in
{choices}
      *)
        case "$verb" in
{flags}
        esac
        ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$known" -- "$word")) || true
}}
complete -o default -F _advnets advnets
"""


def format_completion(shell: str, helps: Mapping[str, str], words: Mapping[str, Iterable[str]]) -> str:
    """Return the script that completes the command in a shell; file names are completed where nothing else fits.

    Args:
        shell: One of SHELLS; zsh runs the script of bash by its own bashcompinit.
        helps: The help of each verb, out of which flags and choices are read.
        words: Words that may stand behind a verb without a flag, such as recipes.

    Returns:
        The script.
    """
    flags = "\n".join(
        f'          {verb}) known="{_join([*words.get(verb, ()), *_flags(text)])}" ;;' for verb, text in helps.items()
    )
    choices = "\n".join(
        f'      "{verb} {flag}") known="{_join(re.split(", *", values))}" ;;'
        for verb, text in helps.items()
        for flag, values in dict(CHOICE.findall(" ".join(text.split()))).items()
    )
    script = SCRIPT.format(verbs=_join(helps), flags=flags, choices=choices)
    return script if shell == "bash" else f"autoload -Uz bashcompinit && bashcompinit\n{script}"


def _flags(text: str) -> list[str]:
    """The flags in a verb's help: those at the beginning of a line, and --help."""
    spellings = (re.split(r"\s{2,}", line.strip())[0] for line in text.splitlines() if re.match("  --?[a-z]", line))
    return [*dict.fromkeys(flag for spelling in spellings for flag in FLAG.findall(spelling)), "--help"]


def _join(words: Iterable[str]) -> str:
    """Words of a script in double quotes; what is no plain word is left out."""
    return " ".join(word for word in words if WORD.fullmatch(word))
