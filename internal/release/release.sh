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

# What a release leaves out for its size, 8 %: gRPC's tracing pages, and inlining in code that runs once per request or per
# screen. Our own packages, those that read the kernel, and what they call keep it.
flags=(-tags grpcnotrace -gcflags=all=-l)
for p in runtime/... runtime internal/... sync/... strings bytes slices sort strconv unicode/... maps cmp math/... io bufio os \
	syscall compress/... hash/... github.com/lsmprof/... github.com/cilium/ebpf/... golang.org/x/sys/...; do
	flags+=("-gcflags=$p=")
done
flags+=(-ldflags "-s -w -X github.com/lsmprof/lsmprof/internal/cli.buildVersion=$VERSION")

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
go -C internal/release build -o "$stage/tools/" tool
go build -o "$stage/this" ./cmd/lsmprof
"$stage/this" man "$stage/man"
mkdir "$stage/completion"
for shell in bash zsh fish; do
	"$stage/this" completion "$shell" >"$stage/completion/lsmprof.$shell"
done
find "$stage/man" "$stage/completion" -exec touch -h -d "$MTIME" {} +

for ARCH in amd64 arm64; do
	export ARCH STAGE=$stage
	name=lsmprof-$VERSION-linux-$ARCH
	GOARCH=$ARCH go build "${flags[@]}" -o "$stage/lsmprof" ./cmd/lsmprof
	touch -d "$MTIME" "$stage/lsmprof"
	install -m 0755 "$stage/lsmprof" "$out/$name"
	for format in deb rpm; do
		"$stage/tools/nfpm" package -f internal/release/nfpm.yaml -p $format -t "$out/$name.$format" >/dev/null
	done
	"$stage/tools/cyclonedx-gomod" bin -json -noserial -notimestamp -std -version "$VERSION" -output "$out/$name.cdx.json" \
		"$out/$name" 2>/dev/null
done
(cd "$out" && sha256sum "lsmprof-$VERSION"-linux-* >SHA256SUMS)
ls -l "$out"
