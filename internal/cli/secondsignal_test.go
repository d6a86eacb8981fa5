package cli

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// The first signal lets requests in progress end. A second one does not wait for them.
func TestSecondSignalAborts(t *testing.T) {
	onHost(t)
	const untilCut = 4 * time.Second // the server waits for 5 s for the body of a request
	for {
		s := startServe(t, "--calibration=off")
		address := strings.TrimPrefix(s.url, "http://")
		began := time.Now()
		conn, err := net.Dial("tcp", address)
		must(t, err)
		defer conn.Close()
		const head = "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
		fmt.Fprint(conn, head)
		if answer, err := bufio.NewReader(conn).ReadString('\n'); !strings.Contains(answer, " 100 ") {
			t.Fatalf("%q, %v: the server does not wait for the body", answer, err)
		}
		must(t, s.cmd.Process.Signal(syscall.SIGTERM))
		vmtest.WaitFor(t, "the server to take no more connections", func() bool {
			c, err := net.Dial("tcp", address)
			if err == nil {
				c.Close()
			}
			return err != nil
		})
		ended := make(chan error, 1)
		go func() { ended <- s.cmd.Wait() }()
		select {
		case <-ended:
			if time.Since(began) > untilCut {
				continue // this machine was too slow: the request was over
			}
			t.Fatalf("the first signal alone ended it: %v", s.cmd.ProcessState)
		case <-time.After(50 * time.Millisecond):
		}
		for running := true; running; {
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
				running = false
			case <-time.After(time.Millisecond):
			}
		}
		if time.Since(began) > untilCut {
			continue
		}
		status := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() || status.Signal() != syscall.SIGTERM {
			t.Errorf("%v, want that the second signal ended it", s.cmd.ProcessState)
		}
		return
	}
}
