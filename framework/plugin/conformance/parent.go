package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/service"
)

// hostVar, in the environment of this program, makes it a host that is there to
// be killed; its value is a file with a job.
const hostVar = "TUNELAB_CONFORMANCE_HOST"

type job struct {
	Binary string
	Name   string
	Input  host.Input
}

// The check for the parent's death needs a host that can be killed. It is this
// very program, started again, so that any program and any test that uses the
// kit has one; the start is before main, whose flags are another's.
func init() {
	if path := os.Getenv(hostVar); path != "" {
		fmt.Println("ended:", beHost(path))
		os.Exit(1)
	}
}

// beHost starts a run, says when it goes on, and lives until it is killed.
func beHost(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	c, err := host.Launch(context.Background(), j.Binary, host.LaunchOptions{Name: j.Name, Features: service.Features})
	if err != nil {
		return err
	}
	said := false
	done, err := c.Run(context.Background(), j.Input, host.File{}, func(*pb.Event) error {
		if !said {
			said = true
			fmt.Println("running")
		}
		return nil
	})
	if err == nil && done.State == "finished" { // a short run; its plugin still waits for calls
		if !said {
			fmt.Println("running")
		}
		time.Sleep(time.Hour)
	}
	return fmt.Errorf("%s %w", done.Reason, err)
}

// parentDeath kills a host while its plugin runs.
func parentDeath(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		return notApplicable("this system has no /proc, in which processes could be seen")
	}
	in, err := s.given(s.base.data, s.long())
	if err != nil {
		return err
	}
	raw, err := json.Marshal(job{s.o.Binary, s.method.Name, in})
	if err != nil {
		return err
	}
	file, tmp := filepath.Join(s.root, "job.json"), filepath.Join(s.root, "p")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return err
	}
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(s.ctx, self)
	cmd.Env = append(os.Environ(), hostVar+"="+file, "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	alive := len(carrying(tmp))
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil || said != "running\n" {
		return fmt.Errorf("the host that was to be killed said %q (%v)", said, err)
	}
	if alive < 2 { // the host and the plugin
		return fmt.Errorf("the plugin was not running when its host was killed")
	}
	if left := remaining(tmp, 10*time.Second); len(left) > 0 {
		for _, p := range left {
			p.kill()
		}
		return fmt.Errorf("10 s after its host was killed these still run: %v", left)
	}
	return nil
}
