//! Headless Chromium, in which tests open the pages that the program writes.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Output};

/// What a page became in a browser.
pub(crate) struct Opened {
    /// Its elements, after its scripts ran.
    pub(crate) dom: String,
    /// What was said on its console: errors, and requests that failed.
    pub(crate) console: Vec<String>,
    /// Its colors that more than 20 pixels have, the most frequent first.
    pub(crate) colors: Vec<[u8; 3]>,
}

/// The page at `path`, `width` pixels wide, in light or dark; `None`, with a word, where there is no Chromium.
pub(crate) fn open(path: &Path, width: usize, dark: bool) -> Option<Opened> {
    let folder = tempfile::tempdir().unwrap();
    // Chromium has no window under 500 pixels, but frames of any width.
    let frame = folder.path().join("frame.html");
    let style = format!("width:{width}px;height:5000px;border:0");
    let page = format!("<body style='margin:0'><iframe src='file://{}' style='{style}'></iframe>", path.display());
    std::fs::write(&frame, page).unwrap();
    let picture = folder.path().join("page.png");
    let run = |file: &Path, what: &str| -> Option<Output> {
        let output = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"])
            // No name is known, so that a request that leaves the file fails, and is told.
            .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=5000"])
            .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)))
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--window-size={},5000", width.max(500)))
            .args([what, &format!("file://{}", file.display())])
            .output();
        output.inspect_err(|e| eprintln!("skipped: no chromium to look at pages with ({e})")).ok()
    };
    let dumped = run(path, "--dump-dom")?;
    let drawn = run(&frame, &format!("--screenshot={}", picture.display()))?;
    let said = [dumped.stderr, drawn.stderr].concat();
    let console =
        String::from_utf8_lossy(&said).lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    Some(Opened { dom: String::from_utf8_lossy(&dumped.stdout).into(), console, colors: colors(&picture, width) })
}

/// The colors of the first `width` columns of a picture.
fn colors(path: &Path, width: usize) -> Vec<[u8; 3]> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let mut counts = HashMap::new();
    for line in bytes[..info.buffer_size()].chunks(info.line_size) {
        for pixel in line.chunks(info.color_type.samples()).take(width) {
            *counts.entry([pixel[0], pixel[1], pixel[2]]).or_insert(0) += 1;
        }
    }
    let mut colors: Vec<([u8; 3], usize)> = counts.into_iter().filter(|&(_, count)| count > 20).collect();
    colors.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    colors.into_iter().map(|(color, _)| color).collect()
}
