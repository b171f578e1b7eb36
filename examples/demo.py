"""What `python3 go.py demo` runs: a generator that ships, one that learns while you look, and how good it is.

Measured: see docs/results.md.
"""

import sys
from pathlib import Path

from PIL import Image

import advnets


def draw_strip(previews: list[Path], place: Path, side: int = 152) -> None:
    """Nine digits of each preview, in the order in which they were drawn; written beside and renamed."""
    strip = Image.new("L", (side * len(previews), side), 255)
    for number, preview in enumerate(previews):
        strip.paste(Image.open(preview).convert("L").crop((0, 0, side - 4, side - 4)), (side * number, 0))
    strip.save(place.with_suffix(".part"), format="PNG")
    place.with_suffix(".part").replace(place)


out, minutes = Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1.2
out.mkdir(parents=True, exist_ok=True)
advnets.open_model("paper-mnist").sample(64).save(out / "shipped.png")
print(f"{out / 'shipped.png'}: digits that the generator which ships has drawn, from noise. Look at them.")
print(f"Now one is trained for {minutes:g} minutes, and measured in less than another.\n", flush=True)

run = advnets.start("paper-adam", data="digits", minutes=minutes, out=str(out / "run"), preview_minutes=minutes / 10)
shown: list[Path] = []
for progress in run.carry_on():
    previews = sorted((run.path / "previews").glob("*.png"))
    if len(previews) > len(shown):
        draw_strip(shown := previews, out / "strip.png")
        print(f"step {progress.step:,}: {out / 'strip.png'}, pictures: {len(shown)}, the newest right", flush=True)

run.sample(64).save(out / "grid.png")
print("\nMeasuring what it has learnt ...\n", flush=True)
print(str(run.evaluate(n=1000).summary).replace("**", ""))
print(f"\nLook at {out / 'strip.png'} and {out / 'grid.png'}. Then try: advnets play")
