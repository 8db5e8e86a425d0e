#!/bin/sh
# Registers an application with the control plane by curl, keeps its lease, and ends it on the way out.
URL="${CONTROL_PLANE:-http://127.0.0.1:7600}/v1/services/${SERVICE:?}/instances/${ID:?}"
call() { curl -sSf -m 5 -o /dev/null ${TOKEN:+-H "Authorization: Bearer $TOKEN"} -X "$@"; }
register() {
  call PUT "$URL" -H 'content-type: application/json' -d "{\"address\":\"${ADDRESS:-127.0.0.1}\",\"port\":${PORT:?}}"
}
trap 'call POST "$URL/drain?wait=2s"; call DELETE "$URL"; exit 0' INT TERM
register
# A control plane that does not know the instance any more answers 404: register again.
while sleep 2 & wait $!; do call POST "$URL/heartbeat" || register; done
