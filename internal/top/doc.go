// Package top is the live view of a recording. A Model takes in one Interval after the other, and keys; Frame
// draws it as lines of text, WriteText and WriteJSON print it, and a Screen shows it on a terminal. Nothing in
// the package measures: a frame depends on the model and the size of the terminal alone.
package top
