"""The least child: answers each ``execute`` request with its job's payload."""

import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    reply = {"jsonrpc": "2.0", "id": request["id"], "result": request["params"]["job"]["data"]}
    print(json.dumps(reply), flush=True)
