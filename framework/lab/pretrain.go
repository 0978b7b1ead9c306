package lab

import (
	"context"

	"github.com/tunelab/tunelab/framework/base"
	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu" // the engines that it can name
	_ "github.com/tunelab/tunelab/framework/compute/ref"
)

// PretrainConfig and PretrainUpdate are those of package base.
type (
	PretrainConfig = base.PretrainConfig
	PretrainUpdate = base.PretrainUpdate
)

// DefaultPretrain is the configuration of the embedded model.
func DefaultPretrain() PretrainConfig { return base.DefaultPretrain() }

// Pretrain trains a base model from the seeded generator and writes it to dir.
func Pretrain(ctx context.Context, c PretrainConfig, dir string, watch func(PretrainUpdate)) error {
	return compute.Recover(func() error { return base.Pretrain(ctx, c, dir, watch) })
}
