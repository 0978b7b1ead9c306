package host

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
)

// What a child uses is the plugin's, while it runs and after both were ended.
func TestUsageCountsChildren(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{})
	const enough = 0.5 // seconds, which the plugin itself does not take
	_, err := c.Run(t.Context(), input(t, map[string]any{"fault": "child-busy"}), File{}, func(e *pb.Event) error {
		if e.GetMetric().GetStep() != 4 {
			return nil
		}
		for end := time.Now().Add(testplugins.Deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if cpu, _ := c.Usage(); cpu > enough {
				return nil
			}
		}
		t.Error("the child's CPU time is not seen")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if cpu, _ := c.Usage(); cpu < enough {
		t.Errorf("in the end it used %v CPU seconds", cpu)
	}
}

// A process that ended counts with the one that waited for it, and memory that
// two share counts once.
func TestMeter(t *testing.T) {
	// The shell waits for a child that computes, then lives on beside another.
	cmd := exec.Command("/bin/sh", "-c", "(i=0; while test $i -lt 100000; do i=$((i+1)); done); sleep 100 & echo ready; wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}()
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	var m meter
	memory, cpu := m.read(cmd.Process.Pid, 0)
	resident := int64(0)
	for _, pid := range m.members {
		p, _ := readStat(pid)
		resident += p.resident
	}
	if len(m.members) != 2 || cpu < 0.02 {
		t.Errorf("processes %v used %v s", m.members, cpu)
	}
	if memory <= 0 || memory > resident {
		t.Errorf("memory %d of %d resident", memory, resident)
	}
	if again, _ := m.read(cmd.Process.Pid, 0); again != 0 {
		t.Errorf("measured anew at once: %d", again)
	}
	if above, _ := m.read(cmd.Process.Pid, 1); above <= 0 {
		t.Error("a bound that may be passed is not looked at")
	}
	if memory, cpu := m.read(0, 0); memory != 0 || cpu != 0 {
		t.Errorf("no process uses %d and %v", memory, cpu)
	}
	if p, ok := readStat(os.Getpid()); !ok || p.group != syscall.Getpgrp() || p.resident == 0 {
		t.Errorf("this process: %+v", p)
	}
}

func BenchmarkMeter(b *testing.B) {
	for range b.N {
		groupMembers(syscall.Getpgrp())
	}
}
