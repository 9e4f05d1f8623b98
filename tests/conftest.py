"""Before any test loads a library: one thread each. Two workers with as many threads as cores take turns and crawl."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
