//! The sizes of a convolution or a pool.

/// A convolution without padding, which is a call of its own: every window lies within its input. A pool says beside
/// it how far its windows reach beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Channels, height and width of the input.
    pub input: [usize; 3],
    /// Channels, height and width of the output.
    pub output: [usize; 3],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// The step between neighbouring windows.
    pub stride: usize,
    /// The step between neighbouring elements of a window.
    pub dilation: usize,
    /// Groups of channels that do not see one another.
    pub groups: usize,
}

impl Window {
    /// Products that are summed for one element of the output.
    ///
    /// ```
    /// use chainrule_engine::window::Window;
    /// let window = Window { input: [3, 8, 8], output: [16, 6, 6], kernel: [3, 3], stride: 1, dilation: 1, groups: 1 };
    /// assert_eq!((window.depth(), window.planes()), (27, (64, 36)));
    /// ```
    pub fn depth(&self) -> usize {
        self.input[0] / self.groups * self.kernel[0] * self.kernel[1]
    }

    /// Whether Winograd's tiles compute it in fewer products, with lanes of channels that are nearly full.
    pub(crate) fn goes_by_tiles(&self) -> bool {
        let plain = (self.kernel, self.stride, self.dilation, self.groups) == ([3, 3], 1, 1, 1);
        plain && [self.input[0], self.output[0]].into_iter().all(|channels| channels >= 12)
    }

    /// Elements of an input's, and of an output's, channel.
    pub fn planes(&self) -> (usize, usize) {
        (self.input[1] * self.input[2], self.output[1] * self.output[2])
    }
}
