//! Labelled incidents made from seeds: real captures and logs, and what truly happened.
//!
//! A story is played by the rules that hosts follow (RFC 2409, RFC 7296, the catalogue of events); the
//! label comes from the story and from what of it can be seen: packets may be lost, logs missing,
//! auditing off, clocks wrong, addresses translated. Nothing here asks what plainsight looks for.

mod dice;

mod wire;

mod host;

mod events;

mod logfile;

mod scene;

mod negotiation;

mod stories;

mod setting;

mod seen;

mod recording;

pub(crate) mod score;

use dice::Dice;
use host::{Era, Host};
use scene::{Label, Scene};
use seen::{Allowed, Windows};
use stories::{STORIES, Story, Systems};
use wire::Sent;

/// One incident: the evidence of it, and the truth.
pub(crate) struct Incident {
    pub(crate) story: &'static str,
    pub(crate) seed: u64,
    /// Names and bytes of the files.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// policy.toml.
    pub(crate) policy: Option<String>,
    pub(crate) truth: Truth,
}

/// What truly happened, as far as the evidence shows it.
pub(crate) struct Truth {
    /// What may be said of each window.
    pub(crate) allowed: Allowed,
    /// First and last frame of each window.
    pub(crate) windows: Windows,
    pub(crate) hosts: Vec<Host>,
}

/// The incident of a seed; consecutive seeds go through all stories.
pub(crate) fn make(seed: u64) -> Incident {
    make_shifted(seed, 0)
}

/// The same with the clocks of its hosts set forward by so many nanoseconds from the beginning.
pub(crate) fn make_shifted(seed: u64, by: i64) -> Incident {
    let story = &STORIES[usize::try_from(seed % STORIES.len() as u64).unwrap()];
    let mut dice = Dice::new(seed);
    let era = match story.systems {
        Systems::Legacy => Era::Legacy,
        Systems::Modern => Era::Modern,
        Systems::Any if dice.chance(35) => Era::Legacy,
        Systems::Any => Era::Modern,
    };
    let mut scene = Scene::new(dice, era);
    setting::prepare(&mut scene, story);
    let label = (story.play)(&mut scene);
    setting::add_noise(&mut scene);
    setting::set_clocks(&mut scene, by);
    setting::choose_logs(&mut scene);
    if scene.policy.is_none() && scene.dice.chance(70) {
        scene.demand();
    }
    let captured = setting::capture(&mut scene);
    finish(story, seed, &scene, &label, captured)
}

fn finish(
    story: &'static Story,
    seed: u64,
    scene: &Scene,
    label: &Label,
    captured: Vec<Sent>,
) -> Incident {
    // Numbers of its own: how an incident is recorded does not change what happens in it.
    let recording = recording::record(&captured, &mut Dice::new(seed ^ 0x5eed));
    let mut files = recording.files;
    for host in &scene.hosts {
        for (is_system, name) in [(false, "Security"), (true, "System")] {
            let suffix = if scene.era == Era::Modern { "evtx" } else { "evt" };
            let file = logfile::file(host, scene.era, is_system, scene.start);
            files.extend(file.map(|bytes| (format!("{}-{name}.{suffix}", host.name), bytes)));
        }
    }
    Incident {
        story: story.name,
        seed,
        files,
        policy: scene.policy.clone(),
        truth: Truth {
            allowed: seen::allowed(scene, label, &captured),
            windows: seen::windows(&captured, &recording.numbers, scene),
            hosts: scene.hosts.clone(),
        },
    }
}
