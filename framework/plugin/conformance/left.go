package conformance

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// listen notes the network ports on which the plugin, or what it started,
// listens now.
func (s *session) listen() {
	for _, p := range carrying(os.Getenv("TMPDIR")) {
		for _, port := range p.ports() {
			if text := fmt.Sprintf("%s on TCP port %d", p.name, port); !slices.Contains(s.heard, text) {
				s.heard = append(s.heard, text)
			}
		}
	}
}

// ports reports what listen heard at the end of each run, and of each question
// to a result.
func ports(s *session) error {
	if err := s.needs(true); err != nil {
		return err
	}
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		return notApplicable("this system has no /proc, in which ports could be seen")
	}
	if len(s.heard) > 0 {
		return fmt.Errorf("these listened: %v", s.heard)
	}
	return nil
}

// leftovers looks, at the end of all, for what carries the kit's TMPDIR.
func leftovers(s *session) error {
	if err := s.needs(false); err != nil {
		return err
	}
	if left := remaining(os.Getenv("TMPDIR"), 5*time.Second); len(left) > 0 {
		for _, p := range left {
			p.kill()
		}
		return fmt.Errorf("still running after the plugin was closed: %v", left)
	}
	entries, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) > 0 {
		return fmt.Errorf("left in the temporary folder: %v", names)
	}
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		return notApplicable("no file was left; this system has no /proc, in which processes could be seen")
	}
	return nil
}
