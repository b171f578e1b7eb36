from dataclasses import dataclass
LESSONS={}
@dataclass
class Lesson: ...
