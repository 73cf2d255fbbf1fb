"""Write the reference of every metric to standard output."""

import sys

from monitor.metrics.document import document

sys.stdout.write(document())
