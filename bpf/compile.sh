#!/bin/sh
# Compiles a BPF program and generates its Go bindings. go generate runs it in the folder of the source.
#
#   compile.sh v3|v4 IDENT SOURCE [TYPE|HEADER.h…] [-- CFLAG…]
#
# Go gets a mirror of each TYPE, a struct or an enum, and of every type that a HEADER defines.
#
# v3 runs on every kernel since 5.10. v4 saves the probes an instruction per stored constant: BPF_ST is as old as BPF,
# but clang emits it only from v4 on. The -mllvm flags turn off everything in v4 that needs a newer kernel.
set -eu
cpu=$1 ident=$2 source=$3
shift 3

types=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	case $1 in
	*.h) types="$types $(sed -nE 's/^(struct|enum) ([a-z_]+) \{.*/-type \2/p' "$1" | tr '\n' ' ')" ;;
	*) types="$types -type $1" ;;
	esac
	shift
done
[ $# -eq 0 ] || shift

case $cpu in
v3) cpu='-mcpu=v3' ;;
v4)
	cpu=-mcpu=v4
	for newer in ldsx movsx bswap sdiv-smod gotol; do
		cpu="$cpu -mllvm -disable-$newer"
	done
	;;
*) echo "compile.sh: $cpu: want v3 or v4" >&2 && exit 2 ;;
esac

# The names of types and the flags hold no spaces.
# shellcheck disable=SC2086
exec go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel $types "$ident" "$source" -- \
	-O2 -g -Wall -Werror $cpu "$@"
