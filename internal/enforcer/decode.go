package enforcer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/text"
)

// decoder turns the value of a rule in a product's map into a text. The map's owner may be an attacker: a decoder takes
// any value of any size. The scope is nil if rules of this sort cannot be compared.
type decoder func(value fields) (text string, scope *rules.Scope)

// decoders are those of a layout.
type decoders struct {
	outer  [numOuter]decoder
	ptrace decoder
	// action returns what a set of capabilities does: deny.
	action func(caps fields) string
}

// fields is a struct in a map. Reading past its end yields zeros.
type fields []byte

func (f fields) at(offset, size int) []byte {
	b := make([]byte, size)
	if offset < len(f) {
		copy(b, f[offset:])
	}
	return b
}

func (f fields) u16(offset int) uint16 { return binary.NativeEndian.Uint16(f.at(offset, 2)) }
func (f fields) u32(offset int) uint32 { return binary.NativeEndian.Uint32(f.at(offset, 4)) }
func (f fields) u64(offset int) uint64 { return binary.NativeEndian.Uint64(f.at(offset, 8)) }

// string returns the string that ends with a NUL or after size bytes, as it is: the caller makes it printable.
func (f fields) string(offset, size int) string {
	s, _, _ := bytes.Cut(f.at(offset, size), []byte{0})
	return string(s)
}

// flagName is the name of a bit.
type flagName struct {
	bit  uint64
	name string
}

// flagNames returns the names of the bits that are set, and the others in hexadecimal.
func flagNames(set uint64, names []flagName) string {
	var all []string
	for _, n := range names {
		if set&n.bit == n.bit {
			all = append(all, n.name)
			set &^= n.bit
		}
	}
	if set != 0 {
		all = append(all, fmt.Sprintf("%#x", set))
	}
	return strings.Join(all, ",")
}

// numbered returns the names of the numbers whose bits are set.
func numbered(set uint64, name func(int) string) string {
	var all []string
	for ; set != 0; set &= set - 1 {
		all = append(all, name(bits.TrailingZeros64(set)))
	}
	return strings.Join(all, ",")
}

// sentence joins the words that are not empty, and makes them printable.
func sentence(words ...string) string {
	var all []string
	for _, w := range words {
		if w != "" {
			all = append(all, w)
		}
	}
	return text.Printable(strings.Join(all, " "))
}

var familyNames = map[int]string{
	1: "unix", 2: "inet", 10: "inet6", 16: "netlink", 17: "packet", 38: "alg", 40: "vsock", 44: "xdp",
}

func familyName(n int) string { return orNumber(familyNames, "family ", n) }

func orNumber(names map[int]string, prefix string, n int) string {
	if name, ok := names[n]; ok {
		return name
	}
	return prefix + strconv.Itoa(n)
}

// capRules returns a rule for each capability in a set.
func capRules(action string, set uint64) (all []rules.Rule) {
	for ; set != 0; set &= set - 1 {
		name := kernel.CapabilityName(bits.TrailingZeros64(set))
		all = append(all, rules.Rule{Kind: rules.Cap, Index: len(all), Text: sentence(action, name)})
	}
	return all
}
