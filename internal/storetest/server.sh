#!/bin/bash
# make test-pyroscope: builds a server of Pyroscope from its Go module, starts it, and tests that it takes a profile and
# answers with the same sums. The module is older than the tag of its API: what the API has beyond it gets stubs here.
# None of that takes part in storing or querying profiles.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
go mod download github.com/grafana/pyroscope github.com/grafana/pyroscope/api
api=$(go list -m -f '{{.Dir}}' github.com/grafana/pyroscope/api)
cp -r "$(go list -m -f '{{.Dir}}' github.com/grafana/pyroscope)" "$work/src"
chmod -R u+w "$work/src"

# stub PACKAGE TYPE METHOD API: adds a method that fails.
stub() {
	cat >"$work/src/pkg/$1/stub$3.go" <<-GO
		package $(basename "$1")

		import (
			"context"
			"errors"

			"connectrpc.com/connect"

			api "github.com/grafana/pyroscope/api/gen/proto/go/$4/v1"
		)

		type $3Answer = connect.Response[api.$3Response]

		func (*$2) $3(context.Context, *connect.Request[api.$3Request]) (*$3Answer, error) {
			return nil, errors.New("not implemented")
		}
	GO
}
stub querier/vcs Service GetCommits vcs
stub frontend Frontend GetCommits vcs
stub frontend Frontend SelectHeatmap querier
stub querier Querier SelectHeatmap querier
sed -i '/adhocprofilesv1connect/d; /settingsv1connect/d' "$work/src/pkg/api/api.go"
sed -i "s|pyroscope/api => ./api|pyroscope/api => $api|" "$work/src/go.mod"
rm -f "$work/src/go.work" "$work/src/go.work.sum"
# A package of it uses what Go's linker forbids by now; with purego, it does without.
(cd "$work/src" && go build -mod=mod -tags purego -ldflags=-checklinkname=0 -o "$work/pyroscope" ./cmd/pyroscope)

cat >"$work/pyroscope.yaml" <<EOF2
analytics: {reporting_enabled: false}
server: {http_listen_port: 14040, grpc_listen_port: 19095}
memberlist: {bind_addr: [127.0.0.1], bind_port: 17946, advertise_addr: 127.0.0.1}
storage: {backend: filesystem, filesystem: {dir: $work/store}}
pyroscopedb: {data_path: $work/data}
EOF2
# Its debugging handlers overlap, which newer versions of Go forbid.
GODEBUG=httpmuxgo121=1 "$work/pyroscope" -config.file="$work/pyroscope.yaml" >"$work/log" 2>&1 &
server=$!
for _ in $(seq 120); do
	kill -0 $server 2>/dev/null || { tail "$work/log" >&2; exit 1; }
	[ "$(curl -s localhost:14040/ready)" != ready ] || break
	sleep 1
done
LSMPROF_TEST_PYROSCOPE=http://localhost:14040 go test -count 1 -run TestPyroscopeServer -v . ||
	{ tail "$work/log" >&2; exit 1; }
