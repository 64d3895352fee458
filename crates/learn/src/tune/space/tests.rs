use super::*;
use crate::choice::written;

fn space(text: &str) -> Space {
    Space::parse(text, "space.toml").unwrap()
}

fn numbers(text: &str, key: &str) -> Vec<f64> {
    let space = space(text);
    let number = |trial| match space.draw(1, trial)[key] {
        Value::Number(number) => number,
        Value::Whole(number) => number as f64,
        Value::Words(_) => panic!("words"),
    };
    (1..=2000).map(number).collect()
}

#[test]
fn draws_are_in_range_and_spread_as_asked() {
    let rates = numbers("rate = { log = [1e-4, 1e-1] }", "rate");
    assert!(rates.iter().all(|rate| (1e-4..=1e-1).contains(rate)));
    // Each decade has a third of 2000, with a standard deviation of 21.
    for low in [1e-4, 1e-3, 1e-2] {
        let count = rates.iter().filter(|&&rate| (low..10.0 * low).contains(&rate)).count();
        assert!((580..750).contains(&count), "{low}: {count}");
    }
    let decays = numbers("weight_decay = { uniform = [0, 0.4] }", "weight_decay");
    assert!(decays.iter().all(|decay| (0.0..=0.4).contains(decay)));
    assert!((decays.iter().sum::<f64>() / 2000.0 - 0.2).abs() < 0.01);
    let batches = numbers("batch = { uniform = [3, 5] }", "batch");
    for batch in [3.0, 4.0, 5.0] {
        let count = batches.iter().filter(|&&drawn| drawn == batch).count();
        assert!((580..750).contains(&count), "{batch}: {count}");
    }
    let batches = numbers("batch = { log = [1, 7] }", "batch");
    // 1, then 2 and 3, then 4 to 7: each a third of the logarithm of 8.
    let below = |end: f64| batches.iter().filter(|&&batch| batch < end).count();
    assert!((580..750).contains(&below(2.0)) && (1250..1420).contains(&below(4.0)), "{} {}", below(2.0), below(4.0));
    assert!(batches.contains(&7.0) && batches.iter().all(|batch| (1.0..=7.0).contains(batch)));
    let chosen = numbers("batch = [16, 32]", "batch");
    assert!((900..1100).contains(&chosen.iter().filter(|&&batch| batch == 16.0).count()));
}

#[test]
fn the_ends_are_known() {
    let log = Domain::Log([1e-4, 1e-1]);
    assert_eq!(log.at(0.0, false), Value::Number(1e-4));
    assert_eq!(log.at(0.5, false), Value::Number(0.003162));
    assert_eq!(log.at(1.0 - f64::EPSILON, false), Value::Number(1e-1));
    assert_eq!(Domain::Uniform([0.0, 0.1]).at(0.25, false), Value::Number(0.025));
    assert_eq!(Domain::Uniform([2.0, 9.0]).at(1.0 - f64::EPSILON, true), Value::Whole(9));
    // Four digits of it would be above it.
    let narrow = Domain::Uniform([0.0, 0.123_47]);
    assert_eq!(narrow.at(1.0 - f64::EPSILON, false), Value::Number(0.123_47));
}

#[test]
fn the_seed_and_the_number_decide_and_other_keys_do_not() {
    let (one, two) =
        (space("rate = { log = [1e-4, 1e-1] }"), space("rate = { log = [1e-4, 1e-1] }\nbatch = [1, 2, 3]"));
    for trial in 1..20 {
        assert_eq!(one.draw(1, trial)["rate"], two.draw(1, trial)["rate"]);
        assert_ne!(one.draw(1, trial), one.draw(2, trial));
        assert_ne!(one.draw(1, trial), one.draw(1, trial + 1));
    }
}

#[test]
fn every_key_is_set() {
    let text = r#"
        model = "affine:5 relu affine:2"
        loss = "binary_cross_entropy"
        input = "1x2x3"
        optimizer = "adamw,beta1=0.8"
        rate = 0.25
        schedule = "cosine"
        warm_up = 1
        initial = "orthogonal"
        patience = 4
        batch = 7
        weight_decay = 0.5
        clip_norm = 2
        clip_value = 3.0
    "#;
    let space = space(text);
    assert_eq!(space.table.len(), KEYS.len());
    assert!(space.varied().is_empty());
    let settings = space.settings(&Settings::default(), &space.draw(1, 1)).unwrap();
    assert_eq!(settings.model.as_ref().unwrap().to_string(), "affine:5 relu affine:2");
    assert_eq!(settings.loss.unwrap().to_string(), "binary_cross_entropy");
    assert_eq!(settings.input.unwrap().axes(), [1, 2, 3]);
    assert_eq!(written(settings.optimizer), "adamw,beta1=0.8,decay=0.5,clip_norm=2,clip_value=3");
    assert_eq!((settings.rate, settings.warm_up), (Some(0.25), 1.0));
    assert_eq!(
        (written(settings.schedule), written(settings.initial.unwrap())),
        ("cosine".into(), "orthogonal".into())
    );
    assert_eq!((settings.patience, settings.batch), (Some(4), 7));
}

#[test]
fn what_is_wrong_is_said_by_file_and_key() {
    let wrong = |text: &str, [place, expected, found, hint]: [&str; 4]| {
        let e = Space::parse(text, "space.toml").unwrap_err();
        assert_eq!((&*e.place, &*e.found), (place, found), "{text}: {e}");
        assert!(e.expected.starts_with(expected) && e.hint.contains(hint), "{text}: {e}");
    };
    let key = "one of model, loss, input, optimizer, rate, ";
    wrong("rat = 1", ["space.toml, 'rat'", key, "no such key", "did you mean 'rate'?"]);
    wrong("warm-up = 1", ["space.toml, 'warm-up'", key, "no such key", "did you mean 'warm_up'?"]);
    wrong("seed = 1", ["space.toml, 'seed'", key, "no such key", "give --seed to all trials"]);
    wrong("", ["space.toml", "a key", "none", "rate = { log"]);
    wrong(
        "rate = { log = [0.1, 0.01] }",
        ["space.toml, rate", "a low end below the high one", "0.1 to 0.01", "log = ["],
    );
    wrong("rate = { log = [1, 1] }", ["space.toml, rate", "a low end below", "1 to 1", "log = ["]);
    let range = "{ log = [low, high] } or { uniform = [low, high] }";
    wrong("rate = { lag = [0.1, 1] }", ["space.toml, rate", range, "'{ lag = [0.1, 1] }'", "rate = { log"]);
    wrong("rate = { log = [0.1] }", ["space.toml, rate", range, "'{ log = [0.1] }'", "rate = { log"]);
    wrong("rate = {}", ["space.toml, rate", range, "'{}'", "rate = { log"]);
    wrong("rate = { log = [0, 1] }", ["space.toml, rate", "a finite number above 0", "0", "rate ="]);
    wrong("weight_decay = { log = [0, 1] }", ["space.toml, weight_decay", "a low end below", "0 to 1", "log"]);
    wrong("rate = [0.1, \"x\"]", ["space.toml, rate, item 2", "a finite number above 0", "x", "rate = [0.01"]);
    wrong("rate = []", ["space.toml, rate", "a finite number above 0", "an empty list", "rate = ["]);
    wrong("batch = [32, 0]", ["space.toml, batch, item 2", "a whole number from 1", "0", "batch = [16, 32]"]);
    wrong("batch = 1.5", ["space.toml, batch", "a whole number from 1", "1.5", "batch = [16, 32]"]);
    wrong("batch = { uniform = [0.5, 3] }", ["space.toml, batch", "a whole number from 1", "0.5", "batch = "]);
    wrong("batch = [[1]]", ["space.toml, batch, item 1", "a whole number from 1", "'[1]'", "batch = "]);
    wrong("weight_decay = -1", ["space.toml, weight_decay", "a finite number from 0", "-1", "weight_decay = "]);
    wrong("optimizer = { log = [1, 2] }", ["space.toml, optimizer", "text", "'{ log = [1, 2] }'", "optimizer = ["]);
    wrong("optimizer = [\"adma\"]", ["space.toml, optimizer, item 1", "one of sgd", "'adma'", "did you mean 'adam'?"]);
    let place = "space.toml, model, item 1, model 'affine:5 rleu affine:2', word 2";
    wrong("model = [\"affine:5 rleu affine:2\"]", [place, "one of affine:N", "'rleu'", "did you mean 'relu'?"]);
    let losses = "loss = [\"huber\", \"mean_squared\"]";
    wrong(losses, ["space.toml, loss", "one loss for all trials", "2", "trials are compared by it"]);
    let e = Space::parse("batch = 1\nrate = = 1", "space.toml").unwrap_err();
    assert_eq!((&*e.place, &*e.expected), ("space.toml, line 2", "TOML"));
}
