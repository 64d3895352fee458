//! The value of a formula at a point, and its derivatives, in f64: for a look, a test, an example.
//!
//! Each call compiles a plan, runs it once and forgets it. What is run often is compiled once: see [`Graph`](crate::Graph).

use crate::backend::{Backend, BackendError};
use crate::graph::{NodeId, Var};
use crate::kernel::Buf;
use crate::plan::{CompileError, Goal, Plan, Request};
use crate::reference::Reference;
use crate::rows::{Clock, Column, Rows, RowsError};

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The formula cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It takes more memory than there is.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The values of its inputs do not fit.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A value is given to what is not in the formula.
    #[error("'{name}': expected an input or a parameter of this name, found none")]
    Name {
        /// The name.
        name: String,
    },
    /// A parameter is given more or fewer numbers than it has.
    #[error("parameter '{name}': expected {expected} numbers, found {found}")]
    Length {
        /// The parameter.
        name: String,
        /// How many it has.
        expected: usize,
        /// How many it was given.
        found: usize,
    },
}

impl Reference {
    /// The value of `y` where its inputs and parameters are `at`, each by name: row after row, if it has rows. A parameter that is
    /// not named is 0.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Reference};
    /// let g = Graph::new();
    /// let x = g.input("x", [2]);
    /// let y = x.affine(g.parameter("w", [2, 1]), g.parameter("b", [1]));
    /// let at = [("x", &[1.0, 2.0, 3.0, 4.0][..]), ("w", &[10.0, 1.0]), ("b", &[0.5])];
    /// assert_eq!(Reference.value(y, &at)?, [12.5, 34.5]);
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    ///
    /// # Errors
    /// If it cannot be compiled, or what is given does not fit.
    pub fn value(&self, y: Var<'_>, at: &[(&str, &[f64])]) -> Result<Vec<f64>, ValueError> {
        let request = Request { outputs: vec![y.id()], ..Request::default() };
        self.evaluate(y, &request, at, |plan| plan.value(y))
    }

    /// ∂y/∂x there, of the shape of x, by the chain rule. y is one number for all rows.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Reference};
    /// let g = Graph::new();
    /// let x = g.parameter("x", []);
    /// let y = (x * x).sin();
    /// assert_eq!(Reference.gradient(y, x, &[("x", &[2.0])])?, [4.0 * 4f64.cos()]);
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    ///
    /// # Errors
    /// If it cannot be compiled, or what is given does not fit.
    pub fn gradient(&self, y: Var<'_>, x: Var<'_>, at: &[(&str, &[f64])]) -> Result<Vec<f64>, ValueError> {
        let (loss, with_respect_to): (Option<NodeId>, Vec<NodeId>) = (Some(y.id()), vec![x.id()]);
        let request = Request { goal: Goal::Gradients, loss, with_respect_to, ..Request::default() };
        let derivative = self.evaluate(y, &request, at, |plan| plan.gradient(x))?;
        // What y does not depend on has no derivative to read: it is 0.
        Ok(if derivative.is_empty() { vec![0.0; x.shape().len()] } else { derivative })
    }

    fn evaluate(
        &self,
        y: Var<'_>,
        request: &Request,
        at: &[(&str, &[f64])],
        wanted: impl Fn(&Plan) -> Option<Buf>,
    ) -> Result<Vec<f64>, ValueError> {
        let plan = Plan::compile(y.graph, request)?;
        let given = |name: &str| at.iter().find(|(other, _)| *other == name).map(|(_, values)| *values);
        let known = |name: &str| plan.inputs().iter().any(|input| input.name == name) || plan.parameter(name).is_some();
        if let Some((name, _)) = at.iter().find(|(name, _)| !known(name)) {
            return Err(ValueError::Name { name: (*name).to_owned() });
        }
        let columns = plan.inputs().iter().map(|input| given(&input.name).map_or(Column::Absent, Column::F64));
        let columns: Vec<Column<'_>> = columns.collect();
        let rows = Rows::all(&plan, &columns)?;
        let mut arena = self.allocate(&[&plan], rows.count())?;
        for parameter in plan.parameters() {
            let Some(values) = given(&parameter.name) else { continue };
            let (name, expected, found) = (parameter.name.clone(), parameter.span.len, values.len());
            if found != expected {
                return Err(ValueError::Length { name, expected, found });
            }
            self.write(&mut arena, parameter.span, values);
        }
        self.run(&plan, &mut arena, &rows, Clock::default());
        Ok(wanted(&plan).map_or(Vec::new(), |buf| self.read(&plan, &arena, buf)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Graph;

    #[test]
    fn what_does_not_fit_is_named() {
        let g = Graph::new();
        let (x, w) = (g.input("x", [2]), g.parameter("w", [2]));
        let y = (x * w).sum();
        let told = |y: Var<'_>, at: &[(&str, &[f64])]| Reference.value(y, at).unwrap_err().to_string();
        assert_eq!(told(y, &[("v", &[1.0])]), "'v': expected an input or a parameter of this name, found none");
        assert_eq!(told(y, &[("x", &[1.0, 2.0]), ("w", &[1.0])]), "parameter 'w': expected 2 numbers, found 1");
        assert_eq!(told(y, &[("w", &[1.0, 2.0])]), "input 'x': expected rows of 2 numbers, found 0 numbers");
        let misfit = told(w.matmul(g.parameter("u", [3, 1])), &[]);
        assert!(misfit.starts_with("matmul at "), "{misfit}");
        let g = Graph::new();
        let (x, w) = (g.input("x", [2]), g.parameter("w", [2]));
        let y = (x * w).sum();
        let derivative = Reference.gradient(y, w, &[("x", &[1.0, 2.0])]).unwrap_err();
        assert!(derivative.to_string().contains("take batch_mean() of each example's loss"));
    }

    #[test]
    fn a_derivative_by_what_is_not_in_it_is_zero() {
        let g = Graph::new();
        let (x, y) = (g.parameter("x", [2]), g.parameter("y", [2]));
        assert_eq!(Reference.gradient(x.sum(), y, &[("x", &[1.0, 2.0])]), Ok(vec![0.0, 0.0]));
        assert_eq!(Reference.gradient(x.sum(), x, &[]), Ok(vec![1.0, 1.0]));
    }
}
