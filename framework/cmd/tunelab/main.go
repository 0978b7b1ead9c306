// Command tunelab compares the ways to adapt a language model.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes. Replay also uses different (Contract 8 of ARCHITECTURE.md).
const (
	exitError     = 1
	exitUsage     = 2
	exitDifferent = 1
	exitCannot    = 2
)

// app is what every command is given.
type app struct {
	ctx  context.Context
	out  io.Writer
	err  io.Writer
	dir  string // state folder
	json bool

	lock     string // lock file of plugins; "": the usual one
	unlocked bool   // plugins that it does not hold are loaded too
}

type commands struct {
	Dir  string `help:"State folder: database, artifacts, run folders." default:".tunelab" env:"TUNELAB_DIR" placeholder:"DIR"`
	JSON bool   `help:"Print JSON." name:"json"`

	Lock     string `help:"Lock file that says which plugins may be loaded; default: tunelab.lock in the working folder." env:"TUNELAB_LOCK" placeholder:"FILE"`
	Unlocked bool   `help:"For development: load plugins that the lock file does not hold; their runs are marked unlocked." env:"TUNELAB_UNLOCKED"`

	Demo     demoCmd     `cmd:"" help:"Compare the nine methods on the embedded model and tasks."`
	Compare  compareCmd  `cmd:"" help:"Run a study, or print its table again."`
	Run      runCmd      `cmd:"" help:"Make one run, or resume a stopped one."`
	Runs     runsCmd     `cmd:"" help:"List, show and compare recorded runs."`
	Replay   replayCmd   `cmd:"" help:"Run a recorded run again and say whether it is bit-identical."`
	Export   exportCmd   `cmd:"" help:"Write a run's artifacts to a folder."`
	GC       gcCmd       `cmd:"" name:"gc" help:"Free artifacts that no run names any more, and folders of finished runs."`
	Plugins  pluginsCmd  `cmd:"" help:"List, describe, document, install and remove method plugins."`
	Plugin   pluginCmd   `cmd:"" help:"Write a new method plugin, or try one against everything that it must do."`
	Pretrain pretrainCmd `cmd:"" help:"Train the base model from the seeded generator."`
	Generate generateCmd `cmd:"" help:"Continue prompts with a model or a run's result."`
	Score    scoreCmd    `cmd:"" help:"Print token log-probabilities under a model or a run's result."`
	Tokenize tokenizeCmd `cmd:"" help:"Turn texts into a model's tokens and back."`
	Chat     chatCmd     `cmd:"" name:"chat-template" help:"Render conversations with a model's chat template."`
	Embed    embedCmd    `cmd:"" help:"Print hidden states or embeddings of sequences."`
	Trace    traceCmd    `cmd:"" name:"train-trace" help:"Train a few plain steps and print each loss, to hold against another system."`
	Bench    benchCmd    `cmd:"" help:"Measure kernels, training and generation on this machine."`
	Models   modelCmd    `cmd:"" name:"model" help:"Look into a model folder."`
	Weights  weightsCmd  `cmd:"" help:"Summarise the weights of a model, or what a run changed in them."`
	Kernel   kernelCmd   `cmd:"" help:"Go in Jupyter notebooks: install the kernel, try it, remove it."`
	Notebook notebookCmd `cmd:"" passthrough:"" help:"Run a notebook without Jupyter, and write what its cells show."`
	Tasks    tasksCmd    `cmd:"" help:"List and show the embedded tasks, or check a task file."`
	Schema   schemaCmd   `cmd:"" help:"Print the JSON Schema of study or task files, for editors."`
	Complete completeCmd `cmd:"" name:"completion" help:"Print a completion script for bash, zsh or fish."`
}

// codeError ends the program with a code of its own.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

func main() { os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr)) }

func execute(args []string, out, errOut io.Writer) int {
	var c commands
	code := -1
	parser, err := kong.New(&c, kong.Name("tunelab"),
		kong.Description("Compares the ways to adapt a language model: one table, one scorer and one budget from prompting to RLHF."),
		kong.UsageOnError(), kong.Writers(out, errOut), kong.Exit(func(n int) { code = n }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(errOut, "tunelab:", err)
		return exitUsage
	}
	k, err := parser.Parse(args)
	if code >= 0 { // --help
		return code
	}
	if err != nil {
		fmt.Fprintf(errOut, "tunelab: %v\nTry: tunelab --help\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	err = k.Run(&app{ctx: ctx, out: out, err: errOut, dir: c.Dir, json: c.JSON, lock: c.Lock, unlocked: c.Unlocked})
	if err == nil {
		return 0
	}
	fmt.Fprintln(errOut, "tunelab:", err)
	var ce *codeError
	if errors.As(err, &ce) {
		return ce.code
	}
	return exitError
}
