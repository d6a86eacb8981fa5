package tracer

import (
	"testing"
	"time"
)

func TestWithinReturnsTheResult(t *testing.T) {
	var stuck stuckReads
	got, ok := within(&stuck, maxWait, func() int { return 7 }, func(int) { t.Error("the result was discarded") })
	if got != 7 || !ok {
		t.Errorf("%d, %v, want 7", got, ok)
	}
}

func TestWithinAbandonsReadsThatHang(t *testing.T) {
	var stuck stuckReads
	answer, discarded := make(chan int), make(chan int, maxStuck)
	for i := range maxStuck {
		read := func() int { return <-answer }
		if _, ok := within(&stuck, time.Millisecond, read, func(n int) { discarded <- n }); ok {
			t.Errorf("read %d returned without an answer", i)
		}
	}
	if _, ok := within(&stuck, maxWait, func() int { t.Error("one more read was started"); return 0 }, nil); ok {
		t.Error("one more read returned")
	}
	for range maxStuck {
		answer <- 7
		if n := <-discarded; n != 7 {
			t.Errorf("%d was discarded, want 7", n)
		}
	}
	for deadline := time.Now().Add(time.Minute); stuck.n.Load() > 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if _, ok := within(&stuck, maxWait, func() int { return 0 }, nil); !ok {
		t.Error("no read is started although all have returned")
	}
}
