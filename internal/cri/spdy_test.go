package cri

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/spdystream"
	"github.com/moby/spdystream/spdy"
)

// endless is an input that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A runtime may read nothing before all streams are open, and nothing after that. Neither keeps Exec from ending.
func TestMuchInput(t *testing.T) { synctest.Test(t, testMuchInput) }

// In virtual time, no stream opens too late because the machine is slow.
func testMuchInput(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	client, err := spdystream.NewConnection(ours, false)
	if err != nil {
		t.Fatal(err)
	}
	go client.Serve(spdystream.NoOpStreamHandler)
	conn := &streamConn{client, ours}
	ended := make(chan error, 1)
	go func() {
		_, err := converse(conn, Streams{Stdin: endless{}, Stdout: io.Discard, Stderr: io.Discard})
		ended <- err
	}()
	server, err := spdy.NewFramer(theirs, theirs)
	if err != nil {
		t.Fatal(err)
	}
	for opened, input := 0, 0; input == 0; {
		frame, err := server.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *spdy.SynStreamFrame:
			opened++
			time.Sleep(10 * time.Millisecond) // enough for input to come too early
			if err := server.WriteFrame(&spdy.SynReplyFrame{StreamId: frame.StreamId}); err != nil {
				t.Fatal(err)
			}
		case *spdy.DataFrame:
			if input = len(frame.Data); input > 0 && opened < 4 {
				t.Errorf("input comes when %d of 4 streams are open", opened)
			}
		}
	}
	closed := make(chan error, 1)
	go func() { closed <- conn.Close() }()
	for _, c := range []chan error{closed, ended} {
		select {
		case err := <-c:
			if (err == nil) != (c == closed) {
				t.Errorf("closed or ended with %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("it still waits, a minute after the connection was closed")
		}
	}
}
