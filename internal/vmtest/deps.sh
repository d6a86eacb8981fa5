#!/bin/sh
# Installs what a make target needs and this machine lacks. Prints what and why before it does.
# usage: deps.sh demo|sample|apparmor|test
set -eu

missing="" # packages
why=""

# need PACKAGE REASON: records a missing package.
need() {
	missing="$missing $1"
	why="$why
  $1: $2"
}

# servers PACKAGE REASON: records a missing package that would start a service; the tests start it themselves.
services=""
servers() {
	services="$services $1"
	need "$1" "$2; its service is not started"
}

have() { command -v "$1" >/dev/null 2>&1; }

# The guest has no libraries, so busybox must be static.
static_busybox() {
	have busybox && ! LC_ALL=C \
		od -An -c -N 4096 "$(command -v busybox)" | tr -d ' \n\\0' | grep -q 'ld-linux\|ld-musl'
}

guest_tools() {
	have qemu-system-x86_64 || need qemu-system-x86 "boots the guests that the kernel tests and the demo run in"
	static_busybox || need busybox-static "the guests' shell and tools"
	if have apt-get && [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ] &&
		[ ! -e /usr/share/keyrings/debian-archive-keyring.pgp ]; then
		need debian-archive-keyring "verifies the guests' kernels"
	fi
}

apparmor_tools() {
	PATH=$PATH:/usr/sbin:/sbin
	have apparmor_parser || need apparmor "loads the AppArmor profiles of guests that measure AppArmor"
}

test_tools() {
	have qemu-system-aarch64 || need qemu-system-arm "boots the arm64 guests"
	have gcc || need gcc "go test -race"
	[ -e /usr/include/stdlib.h ] || need libc6-dev "go test -race"
	have git || need git "the version of the build"
	have clang-19 || need clang-19 "compiles the BPF programs; with this version every machine gets the same bytes"
	have ld.lld-19 || need lld-19 "links the built-in benchmark suite for amd64 and arm64"
	have llvm-strip-19 || need llvm-19 "strips the BPF objects"
	have clang-format-19 || need clang-format-19 "checks the format of the BPF sources"
	have containerd && have ctr || need containerd "the container runtime of the tests of pods and containers"
	have runc || need runc "runs the containers of those tests"
	have tmux || need tmux "the terminal that lsmprof top is driven in"
	PATH=$PATH:/usr/sbin:/sbin
	have redis-server || servers redis-server "examples/bench/redis.sh"
	have redis-benchmark || need redis-tools "examples/bench/redis.sh"
	have nginx || servers nginx "examples/bench/nginx.sh"
	have wrk || need wrk "examples/bench/nginx.sh"
	ls /usr/lib/postgresql/*/bin/pgbench >/dev/null 2>&1 || servers postgresql "examples/bench/pgbench.sh"
	have stress-ng || need stress-ng "examples/bench/stress-ng.sh"
	have hackbench || need rt-tests "examples/bench/hackbench.sh"
	have prometheus && have promtool || servers prometheus "scrapes lsmprof serve and checks its metrics"
	have chromium || need chromium "the browser that the report's page is opened in"
	have mkfs.ext4 || need e2fsprogs "the disk that a guest loses its power with"
	[ -e /usr/include/bpf/bpf_helpers.h ] || need libbpf-dev "headers of the BPF programs"
}

have go || {
	echo "deps: Go is missing; install Go 1.21 or later: it fetches the version that go.mod names by itself" >&2
	exit 1
}
case "${1:-}" in
demo) guest_tools ;;
sample)
	guest_tools
	have tmux || need tmux "the terminal that the picture of lsmprof top is taken of"
	have chromium || need chromium "the browser that the pictures of the report are taken in"
	;;
apparmor) guest_tools && apparmor_tools ;;
test) guest_tools && test_tools && apparmor_tools ;;
*)
	echo "usage: deps.sh demo|sample|apparmor|test" >&2
	exit 2
	;;
esac
[ -n "$missing" ] || exit 0

if [ "$(uname -m)" != x86_64 ]; then
	echo "deps: the guests are amd64 machines, and so must this machine be; it is $(uname -m)" >&2
	exit 1
fi
if ! have apt-get || ! have dpkg-deb; then
	echo "deps: this distribution has no apt. Install its packages for the following, then run make again:$why" >&2
	echo "Guest kernels are fetched with apt. Without it give one: KERNEL=/path/vmlinuz" >&2
	echo "(with BPF LSM, BTF and 8250 serial ports built in)" >&2
	exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
	have sudo || {
		echo "deps: this needs root or sudo. Have these packages installed, then run make again:$why" >&2
		exit 1
	}
	sudo=sudo
fi
echo "deps: installing with apt:$why"
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq update ||
	echo "deps: apt-get update had errors; continuing with the lists of before" >&2

unknown=""
known=""
for p in $missing; do
	if LC_ALL=C apt-cache policy "$p" 2>/dev/null | grep -q 'Candidate: [^(]'; then
		known="$known $p"
	else
		unknown="$unknown $p"
	fi
done
# Debian's own way to install a service without starting it.
policy=/usr/sbin/policy-rc.d
if [ -n "$services" ] && [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
	trap '$sudo rm -f $policy' EXIT
fi
if [ -n "$known" ]; then
	# shellcheck disable=SC2086 # a list of words
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $known >/dev/null || {
		echo "deps: apt could not install$known; the lines above say why" >&2
		exit 1
	}
fi
if [ -n "$services" ] && have systemctl; then
	for s in $services; do
		$sudo systemctl disable --quiet "$s" 2>/dev/null || true # nor with the next boot
	done
fi
[ -z "$unknown" ] && exit 0
for p in $unknown; do
	case $p in
	clang-19 | lld-19 | llvm-19 | clang-format-19)
		echo "deps: this release's apt has no $p; Debian bookworm, trixie and Ubuntu 24.04 do. Add LLVM's own" \
			"repository, or skip what needs it: make test SKIP='lint check-generate'" >&2
		;;
	debian-archive-keyring)
		echo "deps: apt has no debian-archive-keyring, so Debian's kernels cannot be verified." \
			"The guests boot this distribution's own." >&2
		;;
	*)
		echo "deps: apt has no $p. Enable its component ('universe' on Ubuntu), or install it by hand." >&2
		exit 1
		;;
	esac
done
