// pictures makes the pictures of README.md: those of the sample report, with headless Chromium, and that of lsmprof
// top, from what tmux captured.
//
// usage: pictures REPORT.html CAPTURE FOLDER
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/chromedp/chromedp"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: pictures REPORT.html CAPTURE FOLDER")
	}
	page, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	screen, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	svg, err := terminalSVG(string(screen))
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(args[2], "top.svg"), svg, 0o644),
		sections(page, args[2]),
	)
}

// sections takes pictures of parts of the report's page.
func sections(page, folder string) error {
	flags := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.NoSandbox,
		chromedp.WindowSize(1000, 1400))
	if path, err := exec.LookPath("chromium"); err == nil {
		flags = append(flags, chromedp.ExecPath(path))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, flags...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	var flame, loss []byte
	var graph string // the page of the flame graph's frame
	err := chromedp.Run(ctx,
		chromedp.Navigate("file://"+page),
		chromedp.WaitReady("#flame"),
		chromedp.Screenshot("#scores > .grid:last-of-type", &loss, chromedp.NodeVisible),
		chromedp.ScrollIntoView("#flame"),
		chromedp.Poll(`document.getElementById("flame").srcdoc`, &graph),
	)
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	file := filepath.Join(os.TempDir(), fmt.Sprintf("lsmprof-flame-%d.html", os.Getpid()))
	if err := os.WriteFile(file, []byte(graph), 0o600); err != nil {
		return err
	}
	defer os.Remove(file)
	err = chromedp.Run(ctx,
		chromedp.EmulateViewport(1000, 190),
		chromedp.Navigate("file://"+file),
		chromedp.WaitVisible("#stack-chart .boxbg"),
		chromedp.CaptureScreenshot(&flame),
	)
	if err != nil {
		return fmt.Errorf("flame graph: %w", err)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "flame.png"), flame, 0o644),
		os.WriteFile(filepath.Join(folder, "loss.png"), loss, 0o644),
	)
}
