//! Error backpropagation as a compiled plan.
//!
//! ```text
//! Graph                 Plan                        Arena
//! what it means    ->   what the machine does  ->   where the numbers live
//! ```
//!
//! Build a [`Graph`], compile a [`Plan`] of it, and let a [`Backend`] run the plan over an
//! arena: [`Reference`] in f64, or [`Cpu`] in f32. Start reading at [`op`], then [`chain_rule`]
//! (the reverse sweep), then [`plan`].
//!
//! XOR, learned by two layers:
//!
//! ```
//! use chainrule_engine::*;
//! let g = Graph::new();
//! let (x, t) = (g.input("x", [2]), g.input("t", [1]));
//! let hidden = x.affine(g.parameter("w1", [2, 4]), g.parameter("b1", [4])).tanh();
//! let y = hidden.affine(g.parameter("w2", [4, 1]), g.parameter("b2", [1])).sigmoid();
//! let plan = g.update(y.mean_squared_error(t).batch_mean(), Rule::named("adam").unwrap())?;
//! let backend = Cpu::new(1);
//! let mut arena = backend.allocate(&[&plan], 4)?;
//! backend.write(&mut arena, plan.parameter("w1").unwrap(), &[1.0, -1.0, 0.5, 0.2, -1.0, 0.8, 0.4, -0.3]);
//! backend.write(&mut arena, plan.parameter("w2").unwrap(), &[0.3, -0.4, 0.9, 0.1]);
//! let table = [Column::F32(&[0., 0., 0., 1., 1., 0., 1., 1.]), Column::F32(&[0., 1., 1., 0.])];
//! let rows = Rows::all(&plan, &table)?;
//! for step in 0..2000 {
//!     backend.run(&plan, &mut arena, &rows, Clock { step, rate: 0.02, seed: 0 });
//! }
//! assert!(backend.read_number(&plan, &arena, plan.loss().unwrap()) < 0.01);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(unsafe_code)]

pub mod backend;
pub mod chain_rule;
#[allow(unsafe_code, reason = "kernels need instructions and pointers; each block gives its reason")]
pub mod cpu;
pub mod derivative;
pub mod emit;
pub mod evaluate;
mod example;
pub mod flops;
pub mod function;
mod fuse;
pub mod gradient_check;
pub mod graph;
pub mod kernel;
pub mod layout;
pub mod listing;
mod mask;
mod memory;
mod normalise;
pub mod op;
pub mod ops;
pub mod optimizer;
pub mod plan;
mod prune;
pub mod reference;
pub mod rows;
pub mod setting;
pub mod shape;
mod sweeps;
mod traffic;
mod update;
pub mod var;
pub mod window;

pub use backend::{Backend, BackendError};
pub use cpu::{Cpu, CpuArena};
pub use emit::Emit;
pub use evaluate::ValueError;
pub use graph::{Follow, Graph, Kind, Node, NodeId, Var};
pub use kernel::Buf;
pub use layout::{Layout, Span};
pub use normalise::BatchNorm;
pub use op::{At, Op, Out};
pub use optimizer::{OPTIMIZERS, Optimizer, Rule};
pub use plan::{CompileError, Goal, Input, Parameter, Plan, Request};
pub use reference::{Reference, ReferenceArena};
pub use rows::{Clock, Column, Rows, RowsError};
pub use setting::{Range, Setting};
pub use shape::{Extent, Shape, ShapeError};
