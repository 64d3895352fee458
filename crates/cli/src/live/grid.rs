//! A frame of letters: what is written outside of it is not there, so that no line is ever wider than the terminal.

use unicode_width::UnicodeWidthChar;

/// How letters look: a color of the terminal's 256, and whether they are bold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) color: Option<u8>,
    pub(super) bold: bool,
}

/// What a place shows; `None` is the second half of a wide letter.
type Place = (Option<char>, Style);

/// Lines of places.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    width: usize,
    lines: Vec<Vec<Place>>,
}

impl Grid {
    /// Blank.
    pub(super) fn new(width: usize, height: usize) -> Grid {
        Grid { width, lines: vec![vec![(Some(' '), Style::default()); width]; height] }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Text from a place on, and the column after it; what does not fit is left out.
    pub(super) fn write(&mut self, line: usize, column: usize, text: &str, style: Style) -> usize {
        let mut at = column;
        for letter in text.chars().filter(|letter| !letter.is_control()) {
            let wide = letter.width().unwrap_or(0);
            let Some(places) = self.lines.get_mut(line).filter(|_| at + wide <= self.width) else { break };
            for (half, place) in places.iter_mut().skip(at).take(wide).enumerate() {
                *place = ((half == 0).then_some(letter), style);
            }
            at += wide;
        }
        at
    }

    /// Each line for a terminal, without what is blank at its end, and with colors if it is to have them.
    pub(super) fn lines(&self, colors: bool) -> impl Iterator<Item = String> + '_ {
        self.lines.iter().map(move |line| {
            let blank = |place: &&Place| **place == (Some(' '), Style::default());
            let end = line.len() - line.iter().rev().take_while(blank).count();
            let (mut text, mut now) = (String::new(), Style::default());
            for &(letter, style) in &line[..end] {
                let Some(letter) = letter else { continue };
                if colors && style != now {
                    text += "\x1b[0m";
                    text += if style.bold { "\x1b[1m" } else { "" };
                    text += &style.color.map_or(String::new(), |color| format!("\x1b[38;5;{color}m"));
                    now = style;
                }
                text.push(letter);
            }
            if now == Style::default() { text } else { text + "\x1b[0m" }
        })
    }
}
