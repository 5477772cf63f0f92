"""``python -m nq_conformance.adapters.host TARGET``."""

import sys

from nq_conformance.adapters.host.server import main

sys.exit(main())
