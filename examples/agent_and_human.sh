#!/bin/sh
# An agent and a human on one project at the same time. Where each program opens the DuckDB file by
# itself, the second one dies with
#   IOException: Could not set lock on file "events.db": Conflicting lock is held in python3
# Here both are clients of one shared server, and stay calm.
#
# It needs no account: a simulated Mixpanel runs as long as this script does.
#   examples/agent_and_human.sh
set -eu

bin=$(cd "$(dirname "$0")/.." && pwd)/.venv/bin
tmp=$(mktemp -d)
export MP_HOME="$tmp/home"

end() {
    exec 3>&- 4<&- || true
    "$bin/mp" server stop --quiet >/dev/null || true
    kill "$simulator" 2>/dev/null || true
    wait
    rm -rf "$tmp"
}

# --- The simulated Mixpanel, and its account --------------------------------------------------
mkfifo "$tmp/greeting" "$tmp/to_agent" "$tmp/from_agent"
"$bin/python" -m mp_mcp.demo.simulator --days 10 --last-day 2025-03-10 --bookmark-delay 1 \
    >"$tmp/greeting" &
simulator=$!
trap end EXIT
trap 'exit 130' INT TERM
read -r greeting <"$tmp/greeting"
field() { "$bin/python" -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$greeting" "$1"; }
MP_API_BASE_URL=$(field base_url) MP_USERNAME=$(field username)
MP_SECRET=$(field secret) MP_PROJECT_ID=$(field project_id)
export MP_API_BASE_URL MP_USERNAME MP_SECRET MP_PROJECT_ID

# --- The agent: a host that speaks MCP with mp-mcp over its pipes ------------------------------
"$bin/mp-mcp" <"$tmp/to_agent" >"$tmp/from_agent" &
exec 3>"$tmp/to_agent" 4<"$tmp/from_agent"
agent() { # agent TOOL ARGUMENTS: ask, without waiting for the answer
    meta='"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "example", "version": "1"}'
    printf '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "%s",
        "arguments": %s, "_meta": {%s}}}' "$1" "$2" "$meta" | tr '\n' ' ' >&3
    echo >&3
}
answer() { # what the agent was answered, in short
    read -r line <&4
    printf '%s' "$line" | "$bin/python" -c '
import json, sys
result = json.load(sys.stdin)["result"]
found = result["structuredContent"]
assert not result["isError"], found
print("  agent:", found.get("row_count", found.get("rows")), "rows")'
}
human() { # the same in a terminal
    printf '  human: %s rows\n' "$("$bin/mp" "$@" --quiet --jq '.row_count')"
}

echo "1. Both list the saved reports, at the same moment"
agent inspect_bookmarks '{}'
human inspect bookmarks --limit 5000
answer

echo "2. The agent fetches ten days; the human asks the tables meanwhile"
agent fetch_events '{"from_date": "2025-03-01", "to_date": "2025-03-10"}'
human inspect tables
answer

echo "3. Both query and write, at the same moment"
agent save_table '{"table": "buyers", "sql": "SELECT DISTINCT distinct_id FROM events"}'
human query sql 'SELECT event, count(*) FROM events GROUP BY 1'
answer
human query sql 'FROM buyers' --limit 100000
echo "Nobody met a lock."
