// Command tunelab-kernel is the Jupyter kernel for Go.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/tunelab/tunelab/kernel/bind"
	"github.com/tunelab/tunelab/kernel/engine"
	"github.com/tunelab/tunelab/kernel/frontend"
	"github.com/tunelab/tunelab/kernel/history"
	"github.com/tunelab/tunelab/kernel/ixgo"
	"github.com/tunelab/tunelab/kernel/protocol"
	"github.com/tunelab/tunelab/kernel/worker"
)

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tunelab-kernel:", err)
		os.Exit(1)
	}
}

func start(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "worker":
		return work()
	case connection(args):
		return serve(args[0])
	}
	return runCommand(args)
}

// serve is the front-end.
func serve(file string) error {
	c, err := protocol.ReadConnection(file)
	if err != nil {
		return err
	}
	name, ok := os.LookupEnv("TUNELAB_KERNEL_HISTORY")
	if !ok {
		name, err = history.DefaultFile()
	}
	h, err2 := history.Open(name)
	if err != nil || err2 != nil { // a folder that cannot be written: the notebook works all the same
		h, _ = history.Open("")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	k, err := frontend.New(c, h, []string{self, "worker"})
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for s := range signals {
			if s == os.Interrupt {
				k.Interrupt()
			} else {
				k.Quit()
			}
		}
	}()
	return k.Run()
}

// work is the worker: requests come on descriptor 3, events go to 4.
func work() error {
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // the front-end says when to stop
	requests, events := os.NewFile(3, "requests"), os.NewFile(4, "events")
	return worker.Run(requests, events, os.Stdout, os.Stderr, func(h engine.Host) engine.Engine { return ixgo.New(h) })
}
