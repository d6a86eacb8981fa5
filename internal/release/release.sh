#!/bin/bash
# make release: static binaries, packages, SBOMs and checksums in a folder, the same bytes from the same commit.
# usage: release.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "$1"
out=$(cd "$1" && pwd)

VERSION=${VERSION:-$(git describe --tags --always --dirty)}
VERSION=${VERSION#v}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
MTIME=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
export VERSION SOURCE_DATE_EPOCH MTIME CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"

# What a release leaves out for its size, 10 %: gRPC's tracing pages, HTTP/2 of `serve`, inlining in code that runs once
# per request or per screen, and half of the padding between functions.
flags=(-tags "grpcnotrace nethttpomithttp2" -gcflags=all=-l)
for p in github.com/lsmprof/... github.com/cilium/ebpf/... runtime runtime/... internal/runtime/... sync/...; do
	flags+=("-gcflags=$p=")
done
flags+=(-ldflags "-s -w -funcalign=16 -X github.com/lsmprof/lsmprof/internal/cli.buildVersion=$VERSION")

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
go -C internal/release build -o "$stage/tools/" tool
go build "${flags[@]}" -o "$stage/this" ./cmd/lsmprof # with these flags, so that one of the two below is a link
cp LICENSE internal/release/nfpm.yaml "$stage"
mkdir "$stage/man" "$stage/completion"
"$stage/this" man "$stage/man"
for shell in bash zsh fish; do
	"$stage/this" completion "$shell" >"$stage/completion/lsmprof.$shell"
done
find "$stage/man" "$stage/completion" -exec touch -h -d "$MTIME" {} +

for ARCH in amd64 arm64; do
	export ARCH
	name=lsmprof-$VERSION-linux-$ARCH
	GOARCH=$ARCH go build "${flags[@]}" -o "$stage/lsmprof" ./cmd/lsmprof
	touch -d "$MTIME" "$stage/lsmprof"
	install -m 0755 "$stage/lsmprof" "$out/$name"
	for format in deb rpm; do
		(cd "$stage" && tools/nfpm package -f nfpm.yaml -p $format -t "$out/$name.$format" >/dev/null)
	done
	"$stage/tools/cyclonedx-gomod" bin -json -noserial -notimestamp -std -version "$VERSION" \
		-output "$out/$name.cdx.json" "$out/$name"
done
(cd "$out" && sha256sum "lsmprof-$VERSION"-linux-* >SHA256SUMS)
ls -l "$out"
