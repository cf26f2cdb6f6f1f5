#!/bin/sh
# neap metrics and neap serve: both text formats, the textfile, HTTP; and, where they are here,
# promtool on the formats and the alerts, and Prometheus itself scraping a redis-server under neap.
. "$(dirname "$0")/cli_kit.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)

pids=
stop_all() {
    for each in $pids; do
        kill "$each" 2>/dev/null
        wait "$each" 2>/dev/null
    done
    rm -rf "$work"
}
trap stop_all EXIT

# wait_for COMMAND...: until it succeeds, ten seconds at most.
wait_for() {
    for _ in $(seq 100); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    complain "in vain: $*"
    return 1
}
runs_neap() { "$neap" stat "$1"; }

# A name that labels have to escape; comm is what the last of the path is.
cp "$(command -v sleep)" "$work/a\"b"
LD_PRELOAD=$build/libneap.so.0 "$work/a\"b" 300 &
pid=$!
LD_PRELOAD=$build/libneap.so.0 sleep 300 &
other=$!
pids="$pid $other"
wait_for runs_neap "$pid"
wait_for runs_neap "$other"

# ---- the formats ------------------------------------------------------------------------------

expect 0 metrics "$pid" "$other"
cp "$work/out" "$work/prom"
prints "neap_build_info{name=\"a\\\"b\",pid=\"$pid\",version="
prints '# TYPE neap_allocations_total counter'
prints "neap_resident_bytes{name=\"sleep\",pid=\"$other\",state=\"objects\"} "
prints "process_resident_memory_bytes{name=\"sleep\",pid=\"$other\"} "
prints_not '# EOF'
prints_not '# UNIT'
expect 0 metrics --format openmetrics "$pid" "$other"
cp "$work/out" "$work/openmetrics"
prints '# TYPE neap_allocations counter'
prints '# UNIT neap_resident_bytes bytes'
prints '# TYPE neap_build info'
prints "neap_allocations_total{name=\"sleep\",pid=\"$other\"} "
[ "$(tail -n 1 "$work/out")" = '# EOF' ] || complain 'no end'
expect 0 metrics -f json "$other"
/usr/bin/python3 - "$work/out" "$work/prom" "$work/openmetrics" "$other" <<'PY' >"$work/err" 2>&1 || complain 'the formats'
import json, re, sys
found = json.load(open(sys.argv[1]))
assert found['schema'] == 'neap.metrics/1' and found['processes'][0]['pid'] == int(sys.argv[4])
assert found['processes'][0]['resident_bytes'] > 0
LABELS = r'\{[a-z_]+="(?:[^"\\]|\\.)*"(?:,[a-z_]+="(?:[^"\\]|\\.)*")*\}'
for path, suffix in ((sys.argv[2], '_total'), (sys.argv[3], '')):
    seen, family, units = [], None, {}
    for line in open(path).read().splitlines():
        if line == '# EOF':
            break
        head = re.fullmatch(r'# (HELP|TYPE|UNIT) (\w+) (.*)', line)
        if head:
            if head[2] != family:
                assert head[2] not in seen, f'{head[2]} is in two places'
                seen.append(head[2])
            family = head[2]
            if head[1] == 'TYPE':
                assert (head[3] == 'counter') == family.endswith('_total') or not suffix, line
            if head[1] == 'UNIT':
                assert family.endswith('_' + head[3]), line
            continue
        sample = re.fullmatch(rf'(\w+){LABELS} -?[0-9.]+', line)
        assert sample, line
        assert sample[1] in (family, family + '_total', family + '_info'), line
    assert len(seen) > 20, seen
PY

expect 0 metrics --all;         prints "pid=\"$other\""
expect 2 metrics;               says 'of which process?'
expect 2 metrics --all 1;       says 'not both'
expect 2 metrics -f xml 1;      says "--format is prom, openmetrics or json, not 'xml'"
expect 4 metrics $$;            says 'does not run neap'
expect 4 metrics 4194303
mkdir "$work/textfiles"
expect 0 metrics --textfile "$work/textfiles" "$other"
[ "$(ls "$work/textfiles")" = neap.prom ] || complain 'textfile: not just neap.prom'
grep -q "^neap_objects{name=\"sleep\",pid=\"$other\"} " "$work/textfiles/neap.prom" || complain textfile
[ ! -s "$work/out" ] || complain 'textfile, and output'
expect 2 metrics --textfile "$work/none" "$other"; says 'cannot write'
expect 2 metrics -f json --textfile "$work" "$other"; says 'for the format prom'

# ---- HTTP -------------------------------------------------------------------------------------

"$neap" serve --port 0 >"$work/address" 2>"$work/serve.err" &
server=$!
pids="$pids $server"
wait_for grep -q metrics "$work/address"
address=$(cat "$work/address")
# get PATH [HEADER]: status, content type, and the body in $work/body.
get() {
    /usr/bin/python3 - "${address%/metrics}$1" "${2:-}" "$work/body" "${3:-GET}" <<'PY'
import sys, urllib.request, urllib.error
request = urllib.request.Request(sys.argv[1], method=sys.argv[4],
                                 headers={'Accept': sys.argv[2]} if sys.argv[2] else {})
try:
    answer = urllib.request.urlopen(request, timeout=10)
except urllib.error.HTTPError as error:
    answer = error
open(sys.argv[3], 'wb').write(answer.read())
print(answer.status, answer.headers['Content-Type'])
PY
}
case $address in http://127.0.0.1:*/metrics) ;; *) complain "not on loopback: $address" ;; esac
[ "$(get /metrics)" = '200 text/plain; version=0.0.4; charset=utf-8' ] || complain 'serve: prom'
grep -q "^neap_objects{name=\"sleep\",pid=\"$other\"} " "$work/body" || complain 'serve: no sleep'
[ "$(get /metrics 'application/openmetrics-text;version=1.0.0')" = \
    '200 application/openmetrics-text; version=1.0.0; charset=utf-8' ] || complain 'serve: openmetrics'
[ "$(tail -n 1 "$work/body")" = '# EOF' ] || complain 'serve: no end'
[ "$(get /)" = '200 text/plain; charset=utf-8' ] || complain 'serve: /'
[ "$(get /other | cut -c 1-3)" = 404 ] || complain 'serve: /other'
[ "$(get /metrics '' POST | cut -c 1-3)" = 405 ] || complain 'serve: POST'
port=${address##*:}
expect 1 serve --port "${port%/metrics}"; says 'cannot listen on 127.0.0.1'
expect 2 serve --address nowhere;         says "--address: 'nowhere' is no IPv4 address"
expect 2 serve --port 65536

# ---- promtool and Prometheus ------------------------------------------------------------------

if command -v promtool >/dev/null; then
    promtool check metrics <"$work/prom" >"$work/out" 2>"$work/err" || complain 'promtool check metrics'
    cp "$root/packaging/prometheus/neap-alerts.yml" "$root/test/programs/alerts_test.yml" "$work"
    promtool check rules "$work/neap-alerts.yml" >"$work/out" 2>"$work/err" || complain 'check rules'
    promtool test rules "$work/alerts_test.yml" >"$work/out" 2>"$work/err" || complain 'test rules'
else
    echo 'promtool is not here: apt-get install prometheus'
fi

# Every metric that alerts and dashboard ask for is one that we have.
grep -oh 'neap_[a-z_]*[a-z]' "$root/packaging/prometheus/"* | sort -u |
    while read -r name; do
        case $name in neap_soft_limit_bytes | neap_hard_limit_bytes) continue ;; esac   # where there is one
        grep -q "^$name{" "$work/prom" || echo "$name"
    done >"$work/out"
[ ! -s "$work/out" ] || complain 'alerts or dashboard ask for what is not there'

scrape() {
    mkdir "$work/data"
    LD_PRELOAD=$build/libneap.so.0 redis-server --port 0 --unixsocket "$work/redis" --save '' \
        --dir "$work/data" >/dev/null 2>&1 &
    redis=$!
    pids="$redis $pids"
    cat >"$work/prometheus.yml" <<YML
global: {scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms}
rule_files: [neap-alerts.yml]
scrape_configs:
  - job_name: neap
    static_configs: [{targets: ['${1#http://}']}]
YML
    sed -i 's|/metrics||' "$work/prometheus.yml"
    free=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
        --web.listen-address="127.0.0.1:$free" >"$work/err" 2>&1 &
    pids="$! $pids"
    address=http://127.0.0.1:$free/metrics
    wait_for asked "neap_resident_bytes%7Bname%3D%22redis-server%22,pid%3D%22$redis%22,state%3D%22objects%22%7D" || return
    bytes=$(sed 's/.*"value":\[[^,]*,"\([0-9]*\)".*/\1/' "$work/body")
    [ "$bytes" -gt 100000 ] || complain "redis-server has $bytes bytes in objects"
}
asked() { get "/api/v1/query?query=$1" >/dev/null && grep -q '"value":' "$work/body"; }
if command -v prometheus >/dev/null && command -v redis-server >/dev/null; then
    scrape "$address"
else
    echo 'prometheus or redis-server is not here'
fi

kill -TERM "$server"
wait "$server"
[ $? -eq 0 ] || complain 'serve does not end well'
[ ! -s "$work/serve.err" ] || complain 'serve has complained'
finish
