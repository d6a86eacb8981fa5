#!/bin/sh
# Builds suite_ARCH from the C beside it, the same bytes each time: no paths, no dates, no build ID.
set -eu
cd "$(dirname "$0")"
for pair in amd64:x86_64 arm64:aarch64; do
	clang-19 --target="${pair#*:}-linux-gnu" -std=gnu11 -O2 -Wall -Wextra -Werror \
		-ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-ident -fno-pic \
		-nostdlib -static -fuse-ld=lld -Wl,--build-id=none,-z,separate-code,-z,max-page-size=4096,--strip-all \
		-o "suite_${pair%:*}" ./*.c
done
