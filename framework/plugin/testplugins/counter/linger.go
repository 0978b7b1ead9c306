package main

import (
	"os/exec"
	"time"
)

// A run with the fault "linger" can be met in any of its phases: it leaves a
// child, pauses at each step and before each answer, and takes its time to stop.
const (
	stepPause   = 2 * time.Millisecond
	answerPause = 10 * time.Millisecond
	closing     = 250 * time.Millisecond
)

// linger pauses at a step of a fresh run, or, where there is no run, before an
// answer.
func (f *fault) linger(n int) error {
	if f.kind != "linger" || f.in != nil && f.in.Checkpoint != "" {
		return nil
	}
	if n == 1 {
		if err := exec.Command("sleep", "1000").Start(); err != nil {
			return err
		}
	}
	if f.in == nil {
		time.Sleep(answerPause)
	} else {
		time.Sleep(stepPause)
	}
	return nil
}

// lastWords are said between being asked to stop and the checkpoint.
func (f *fault) lastWords() {
	if f.kind != "linger" {
		return
	}
	for end := time.Now().Add(closing); time.Now().Before(end); time.Sleep(answerPause) {
		f.out.Log("info", "stopping")
	}
}
