"""Every metric: its name, its labels, its help, and how it becomes text.

No other part of the program knows a metric's public name. `families` is the table, `SelfMetrics` holds what the daemon
counts about itself while it runs, and `Exposition` renders both that and the newest snapshot.
"""

from monitor.metrics.exposition import Exposition
from monitor.metrics.own import Refusal, SelfMetrics, Stage

__all__ = ["Exposition", "Refusal", "SelfMetrics", "Stage"]
