"""``python -m nq_reference.cli``, where the command is not installed."""

from nq_reference.cli.main import main

raise SystemExit(main())
