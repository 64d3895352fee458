//! Stub.
pub use crate::reference::ReferenceArena as CpuArena;
use crate::*;
/// Stub.
#[derive(Debug)]
pub struct Cpu;
impl Cpu {
    /// Stub.
    pub fn new(_: usize) -> Self {
        Cpu
    }
}
impl Backend for Cpu {
    type Arena = ReferenceArena;
    fn allocate(&self, p: &[&Plan], r: usize) -> Result<ReferenceArena, BackendError> {
        Reference.allocate(p, r)
    }
    fn run(&self, p: &Plan, a: &mut Self::Arena, r: &Rows<'_>, c: Clock) {
        Reference.run(p, a, r, c)
    }
    fn write(&self, a: &mut Self::Arena, s: Span, v: &[f64]) {
        Reference.write(a, s, v)
    }
    fn read_span(&self, a: &Self::Arena, s: Span) -> Vec<f64> {
        Reference.read_span(a, s)
    }
    fn read(&self, p: &Plan, a: &Self::Arena, v: Buf) -> Vec<f64> {
        Reference.read(p, a, v)
    }
    fn read_number(&self, p: &Plan, a: &Self::Arena, v: Buf) -> f64 {
        Reference.read_number(p, a, v)
    }
}
