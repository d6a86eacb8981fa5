package top

import (
	"fmt"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/color"
)

// styles differ without colours, too. tcell drops the colour for NO_COLOR and for terminals without colours.
var styles = map[Style]tcell.Style{
	Plain:    tcell.StyleDefault,
	Header:   tcell.StyleDefault.Reverse(true),
	Selected: tcell.StyleDefault.Reverse(true).Bold(true),
	Frozen:   tcell.StyleDefault.Bold(true),
	Alert:    tcell.StyleDefault.Bold(true).Foreground(color.Red),
}

// inASCII replaces the characters of a frame that a terminal without UTF-8 lacks.
var inASCII = map[rune]string{
	'▁': "_", '▂': ".", '▃': "-", '▄': "=", '▅': "+", '▆': "*", '▇': "#", '█': "@",
	'…': "~", '↓': "v", '↑': "^", 'µ': "u",
}

// Event is a key, or a change of the terminal's size.
type Event = tcell.Event

// Screen shows a model on the terminal.
type Screen struct{ screen tcell.Screen }

// OpenScreen takes over the terminal. The caller must close the screen to restore the terminal.
func OpenScreen() (*Screen, error) {
	s, err := tcell.NewScreen()
	if err == nil {
		err = s.Init()
	}
	if err != nil {
		return nil, fmt.Errorf("open the terminal: %w", err)
	}
	for r, ascii := range inASCII {
		s.RegisterRuneFallback(r, ascii)
	}
	s.HideCursor()
	return &Screen{s}, nil
}

// Close restores the terminal.
func (s *Screen) Close() { s.screen.Fini() }

// Events returns a channel of keys and changes of size. Pass each event to Handle.
func (s *Screen) Events() <-chan Event { return s.screen.EventQ() }

// Handle applies an event to the model and draws it. It reports whether to go on.
func (s *Screen) Handle(e Event, m *Model) (goOn bool) {
	switch e := e.(type) {
	case *tcell.EventKey:
		if !m.Key(keyName(e)) {
			return false
		}
	case *tcell.EventResize:
		s.screen.Sync()
	}
	s.Draw(m)
	return true
}

// Draw writes what differs from the last frame, so that the terminal does not flicker.
func (s *Screen) Draw(m *Model) {
	width, height := s.screen.Size()
	s.screen.Clear()
	for y, line := range m.Frame(width, height) {
		style := styles[line.Style]
		if line.Style == Header || line.Style == Selected {
			s.screen.FillArea(0, y, width, 1, ' ', style)
		}
		s.screen.PutStrStyled(0, y, line.Text, style)
	}
	s.screen.Show()
}

// keyName is the character of a key, or its name.
func keyName(e *tcell.EventKey) string {
	switch e.Key() {
	case tcell.KeyEnter:
		return KeyEnter
	case tcell.KeyEscape:
		return KeyEscape
	case tcell.KeyBackspace, tcell.KeyDelete:
		return KeyBackspace
	case tcell.KeyUp:
		return KeyUp
	case tcell.KeyDown:
		return KeyDown
	case tcell.KeyLeft:
		return KeyLeft
	case tcell.KeyRight:
		return KeyRight
	case tcell.KeyTab:
		return KeyTab
	case tcell.KeyCtrlC:
		return KeyCtrlC
	}
	return e.Str()
}
