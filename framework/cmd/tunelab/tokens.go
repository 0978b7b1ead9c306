package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tunelab/tunelab/framework/lab"
)

// jsonl reads a file of JSON lines; - is standard input.
func jsonl[T any](path string) ([]T, error) {
	if path == "-" {
		return lab.ReadJSONL[T](os.Stdin, "standard input")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return lab.ReadJSONL[T](f, path)
}

type tokenizeCmd struct {
	Model string `short:"m" help:"Hugging Face folder, hf:owner/name, or \"embedded\"." placeholder:"DIR" required:""`
	Text  string `help:"JSONL file of {\"text\": \"...\", \"add_special_tokens\": true}; - for standard input." placeholder:"FILE" required:""`
}

func (c *tokenizeCmd) Run(a *app) error {
	in, err := jsonl[lab.ToTokenize](c.Text)
	if err != nil {
		return err
	}
	out, err := a.models().Tokenize(a.ctx, c.Model, in)
	if err != nil {
		return err
	}
	if a.json {
		return printLines(a.out, out)
	}
	for _, t := range out {
		fmt.Fprintf(a.out, "%d tokens\n  %s\n  %s\n", len(t.IDs), strings.Trim(fmt.Sprint(t.IDs), "[]"), strings.Join(t.Tokens, " "))
	}
	return nil
}

type chatCmd struct {
	Model    string `short:"m" help:"Hugging Face folder, hf:owner/name, or \"embedded\"." placeholder:"DIR" required:""`
	Messages string `help:"JSONL file of {\"messages\": [...], \"add_generation_prompt\": true, \"tools\": [...]} and further variables of the template; - for standard input." placeholder:"FILE" required:""`
}

// rendered is one line of chat-template's JSON.
type rendered struct {
	Text     string `json:"text"`
	Template string `json:"template,omitempty"`
	SHA256   string `json:"template_sha256"`
}

func (c *chatCmd) Run(a *app) error {
	in, err := jsonl[lab.ChatRequest](c.Messages)
	if err != nil {
		return err
	}
	out, err := a.models().RenderChats(a.ctx, c.Model, in)
	if err != nil {
		return err
	}
	for _, r := range out {
		if a.json {
			err = printLines(a.out, []rendered{{r.Text, r.Name, r.SHA256}})
		} else {
			_, err = fmt.Fprintln(a.out, r.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type embedCmd struct {
	Model   string `short:"m" help:"Hugging Face or sentence-transformers folder, hf:owner/name, or \"embedded\"." placeholder:"DIR" required:""`
	IDs     string `name:"ids" help:"JSONL file of {\"ids\": [...]}, special tokens included; - for standard input." placeholder:"FILE" xor:"in" required:""`
	Text    string `help:"JSONL file of {\"text\": \"...\"}; - for standard input." placeholder:"FILE" xor:"in" required:""`
	Pooling string `help:"Pooling of the tokens' last hidden states, with no prompt and no further module: none (every token's), cls (the first's), mean, max, mean_sqrt_len_tokens, weightedmean, lasttoken. Default: all that a sentence-transformers folder says." enum:"none,cls,mean,max,mean_sqrt_len_tokens,weightedmean,lasttoken," default:""`
	Prompt  string `name:"prompt-name" help:"Prompt of a sentence-transformers folder to put before every text, such as query or document. Default: its default prompt, if it has one." placeholder:"NAME"`
	Threads int    `help:"Threads; never changes the numbers. 0: all cores." placeholder:"N"`
}

func (c *embedCmd) Run(a *app) error {
	if c.Prompt != "" && c.IDs != "" {
		return &codeError{exitUsage, errors.New("--prompt-name goes before texts; with --ids give the prompt's ids too")}
	}
	src := source{IDs: c.IDs, Text: c.Text}
	in, err := src.lines()
	if err != nil {
		return err
	}
	out, err := a.models().Embed(a.ctx, c.Model, in, lab.EmbedOptions{Threads: c.Threads, Pooling: c.Pooling, Prompt: c.Prompt})
	if err != nil {
		return err
	}
	if a.json {
		return printLines(a.out, out)
	}
	for i, e := range out {
		if c.Pooling == "none" {
			fmt.Fprintf(a.out, "line %d: %d tokens of %d numbers; --json prints them\n", i+1, len(e.Hidden), len(e.Hidden[0]))
			continue
		}
		fmt.Fprintf(a.out, "line %d: %d numbers, %.4g ...; --json prints them\n", i+1, len(e.Vector), e.Vector[:min(4, len(e.Vector))])
	}
	return nil
}
