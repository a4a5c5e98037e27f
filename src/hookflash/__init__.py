"""hookflash: the escalation engine for AI assistants.

```python
from hookflash import Engine, Turn

async with Engine.open("matrix.yaml") as engine:
    decision = await engine.observe(Turn(conversation="chat-1", speaker="customer", text="Can I talk to someone?"))
```
"""

from hookflash.app.wiring import EmbeddedEngine as Engine
from hookflash.errors import HookflashError
from hookflash.matrix import Matrix, load_matrix
from hookflash.model import Action, Brief, Decision, Handoff, Signal, State, Turn, Urgency

__version__ = "0.1.0"

__all__ = [
    "Action",
    "Brief",
    "Decision",
    "Engine",
    "Handoff",
    "HookflashError",
    "Matrix",
    "Signal",
    "State",
    "Turn",
    "Urgency",
    "load_matrix",
]
