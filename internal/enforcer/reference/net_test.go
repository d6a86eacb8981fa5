package reference

import (
	"fmt"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func nets(t *testing.T, addresses ...string) []NetRule {
	t.Helper()
	var rules []NetRule
	for _, a := range addresses {
		r, err := DenyNet(a)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

// connectUDP connects a datagram socket, which needs no peer.
func connectUDP(address string) func() error {
	return func() error {
		a, err := net.ResolveUDPAddr("udp", address)
		if err != nil {
			return err
		}
		family, to := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{
			Port: a.Port,
			Addr: [16]byte(a.IP.To16()),
		})
		if v4 := a.IP.To4(); v4 != nil && address[0] != '[' {
			family, to = unix.AF_INET, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(v4)}
		}
		s, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		return unix.Connect(s, to)
	}
}

func TestConnect(t *testing.T) {
	for _, c := range []struct {
		rule            string
		denied, allowed []string
	}{
		{"127.0.0.1", []string{"127.0.0.1:80", "127.0.0.1:81"}, []string{"127.0.0.2:80", "[::1]:80"}},
		{"127.0.0.1:80", []string{"127.0.0.1:80"}, []string{"127.0.0.1:81", "127.0.0.2:80"}},
		{
			"127.1.0.0/16",
			[]string{"127.1.0.1:80", "127.1.255.255:80"},
			[]string{"127.0.0.1:80", "127.2.0.1:80"},
		},
		{
			"127.0.0.0/9:80-90",
			[]string{"127.0.0.1:80", "127.127.0.1:90"},
			[]string{"127.0.0.1:79", "127.0.0.1:91", "127.128.0.1:80"},
		},
		{"::1", []string{"[::1]:80"}, []string{"127.0.0.1:80"}},
		{"[::1]:80", []string{"[::1]:80"}, []string{"[::1]:81"}},
		{"[::]/64:80", []string{"[::1]:80"}, []string{"[::1]:81"}},
		{"0.0.0.0/0", []string{"127.0.0.1:80"}, []string{"[::1]:80"}},
		{":80", []string{"127.0.0.1:80", "[::1]:80"}, []string{"127.0.0.1:81", "[::1]:81"}},
		{"127.0.0.3", []string{"[::ffff:127.0.0.3]:80"}, []string{"[::ffff:127.0.0.4]:80"}},
	} {
		n := confine(t, Policy{Net: nets(t, c.rule)})
		for _, a := range c.denied {
			n.bothSides(t, c.rule+": connect to "+a, unix.EPERM, connectUDP(a))
		}
		for _, a := range c.allowed {
			n.bothSides(t, c.rule+": connect to "+a, nil, connectUDP(a))
		}
	}
}

func TestConnectTCP(t *testing.T) {
	n := confine(t, Policy{Net: nets(t, "127.0.0.0/8:1-65535")})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n.bothSides(t, "connect", unix.EPERM, func() error {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		return unix.Connect(s, &unix.SockaddrInet4{
			Port: l.Addr().(*net.TCPAddr).Port,
			Addr: [4]byte{127, 0, 0, 1},
		})
	})
}

func TestSocketCreate(t *testing.T) {
	n := confine(t, Policy{Net: nets(t, "inet6")})
	create := func(family int) func() error {
		return func() error {
			s, err := unix.Socket(family, unix.SOCK_STREAM, 0)
			if err == nil {
				unix.Close(s)
			}
			return err
		}
	}
	n.bothSides(t, "inet6", unix.EPERM, create(unix.AF_INET6))
	n.bothSides(t, "inet", nil, create(unix.AF_INET))
	n.bothSides(t, "unix", nil, create(unix.AF_UNIX))
}

func TestDenyNetMessages(t *testing.T) {
	for _, s := range []string{
		"", ":", "x", "10.0.0.1:x", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:9-8", "10.0.0.0/33", "10.0.0.1.2",
		"[::1", "::1]", "[::1]/129", "::ffff:1.2.3.4/8", "[::1]:", "10.0.0.1:",
	} {
		if r, err := DenyNet(s); err == nil {
			t.Errorf("DenyNet(%q) = %+v, want an error", s, r)
		}
	}
	if s := fmt.Sprintf("%+v", nets(t, "10.1.2.3/8:443")[0].EndPort); s != "443" {
		t.Error(s)
	}
}

func FuzzDenyNet(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8:80-90", "[fd00::1]/8:443", "inet6", ":53", "::ffff:1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := DenyNet(s)
		if err != nil {
			return
		}
		if r.Port > r.EndPort || r.Action == 0 || r.Hook == 0 {
			t.Errorf("DenyNet(%q) = %+v", s, r)
		}
		for i := range r.Address {
			if r.Address[i]&^r.Mask[i] != 0 {
				t.Errorf("DenyNet(%q): the address has bits outside its mask: %+v", s, r)
			}
		}
	})
}
