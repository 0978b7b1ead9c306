package ixgo

import "github.com/tunelab/tunelab/kernel/engine"

func (e *Engine) Complete(code string, offset int) engine.Completion { return engine.Completion{} }
func (e *Engine) Inspect(code string, offset int) (string, bool)     { return "", false }
