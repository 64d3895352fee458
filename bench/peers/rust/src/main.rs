//! Times one training step of a network in candle and in burn, as `../step.py` does in Python.
//!
//! ```text
//! peers [--case NAME ..] [--peer candle|burn-flex ..] [--seconds S]
//! peers --mlp 784-50-10 [--batch 100] [--optimizer sgd|adam] ..
//! ```
//!
//! Prints the same JSON lines. Several measurements run one after the other, each in a process
//! of its own, for the allocator remembers what came before. RAYON_NUM_THREADS sets the threads.

mod burn_peer;
mod candle_peer;
mod network;

use std::error::Error;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use network::{CASES, Network, Optimizer};

/// What was measured.
pub struct Timing {
    median_us: f64,
    steps: usize,
}

/// Times steps for so many seconds, after a warm-up.
pub fn measure<E>(seconds: f64, mut step: impl FnMut() -> Result<(), E>) -> Result<Timing, E> {
    let mut run = |seconds: f64| -> Result<Vec<f64>, E> {
        let (start, mut times) = (Instant::now(), Vec::new());
        while times.len() < 5 || start.elapsed() < Duration::from_secs_f64(seconds) {
            let before = Instant::now();
            step()?;
            times.push(before.elapsed().as_secs_f64() * 1e6);
        }
        Ok(times)
    };
    run(seconds / 10.0)?;
    let mut times = run(seconds)?;
    times.sort_by(f64::total_cmp);
    let steps = times.len();
    Ok(Timing { median_us: (times[(steps - 1) / 2] + times[steps / 2]) / 2.0, steps })
}

/// The version of a crate that this program was built with.
fn version(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split_once(&format!("name = \"{package}\"")).map_or("", |(_, rest)| rest);
    entry.split('"').nth(1).unwrap_or("unknown")
}

type Run = fn(&Network, f64) -> Result<Timing, Box<dyn Error>>;

const PEERS: [(&str, Run); 2] =
    [("candle", |n, s| Ok(candle_peer::run(n, s)?)), ("burn-flex", |n, s| Ok(burn_peer::run(n, s)?))];

#[derive(Default)]
struct Request {
    networks: Vec<Network>,
    peers: Vec<(&'static str, Run)>,
    seconds: f64,
}

fn request(arguments: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut asked = Request { seconds: 3.0, ..Request::default() };
    let (mut mlps, mut batch, mut optimizer) = (vec![], 100, Optimizer::Sgd);
    let mut flag = String::new();
    for word in arguments {
        if word.starts_with("--") {
            flag = word;
            continue;
        }
        let wrong = || format!("{flag} {word}: no such thing");
        match flag.as_str() {
            "--case" => asked.networks.push(Network::case(&word).ok_or_else(wrong)?),
            "--mlp" => mlps.push(word),
            "--batch" => batch = word.parse().ok().filter(|&batch| batch > 0).ok_or_else(wrong)?,
            "--optimizer" if word == "sgd" => optimizer = Optimizer::Sgd,
            "--optimizer" if word == "adam" => optimizer = Optimizer::Adam,
            "--peer" => asked.peers.push(*PEERS.iter().find(|peer| peer.0 == word).ok_or_else(wrong)?),
            "--seconds" => asked.seconds = word.parse().ok().filter(|s| (0.0..1e6).contains(s)).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        }
    }
    for text in mlps {
        let network = Network::mlp(&text, batch, optimizer);
        asked.networks.push(network.ok_or_else(|| format!("--mlp {text}: expected sizes such as 784-50-10"))?);
    }
    if asked.networks.is_empty() {
        asked.networks = CASES.iter().filter_map(|name| Network::case(name)).collect();
    }
    if asked.peers.is_empty() {
        asked.peers = PEERS.to_vec();
    }
    Ok(asked)
}

fn run(asked: &Request) -> Result<(), Box<dyn Error>> {
    if let ([network], [(peer, run)]) = (&asked.networks[..], &asked.peers[..]) {
        let Timing { median_us, steps } = run(network, asked.seconds)?;
        let name = &network.name;
        println!(r#"{{"case": "{name}", "peer": "{peer}", "us_per_step": {median_us:.2}, "steps_timed": {steps}}}"#);
        return Ok(());
    }
    for network in &asked.networks {
        for (peer, _) in &asked.peers {
            let seconds = asked.seconds.to_string();
            let mut one = Command::new(std::env::current_exe()?);
            one.args(&network.request).args(["--peer", peer, "--seconds", &seconds]);
            if !one.status()?.success() {
                return Err(format!("{peer} failed on {}", network.name).into());
            }
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--versions") {
        println!(r#"{{"candle": "{}", "burn-flex": "{}"}}"#, version("candle-core"), version("burn-flex"));
        return ExitCode::SUCCESS;
    }
    let done = request(std::env::args().skip(1)).map_err(Into::into).and_then(|asked| run(&asked));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::from(2)
        }
    }
}
