//! The README: its commands run, and the files it names are there.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::programs::{program, run};
use tests::server::Server;

#[test]
fn its_commands_run() {
    let programs = program("lethe").parent().unwrap().to_owned();
    let script = commands()
        .replace("cargo run --release --package replay --bin lethe-audit --", "lethe-audit")
        .replace("cargo run --release --", "lethe");
    assert!(!script.contains("cargo"), "{script}");
    let home = tempfile::tempdir().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let ended = run(Command::new("sh").args(["-euc", &script]).env("PATH", path).current_dir(home.path()));
    hold(&ended.done());
}

/// Deleted, and came back.
#[test]
fn its_story_runs() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::at(&home.path().join("data"), &["--cooling-off", "0"]);
    let programs = program("lethe-audit").parent().unwrap().to_owned();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut story = Command::new("sh");
    story.args(["-euc", &marked("story")]).env("PATH", path).env("LETHE", server.at_path("")).current_dir(home.path());
    for (name, role) in [("AGENT", "agent"), ("DPO", "dpo"), ("PORTAL", "integration")] {
        story.env(name, server.client(role).token());
    }
    let out = run(&mut story).done();
    let number = std::fs::read_to_string(home.path().join("slip.json")).unwrap();
    let number = number.split('"').find(|word| word.starts_with("erasure_")).unwrap().to_owned();
    for say in [r#""stage":"CERTIFIED""#, "Other systems", &format!("sealed for ever by {number}"), "integrity: HOLDS"]
    {
        assert!(out.contains(say), "{say}: {out}");
    }
    let returned = format!(r#""returned":{{"certificate":"{number}"}}"#);
    assert!(out.contains(&returned) && out.contains(r#""returns":[{"certificate""#), "{out}");
    assert!(!out.contains(r#""message""#), "{out}");
}

#[test]
#[ignore = "needs a release build of a copy of the workspace"]
fn its_commands_run_as_they_are_written() {
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("lethe");
    copy_sources(&root(), &copy);
    let target = program("lethe").ancestors().nth(2).unwrap().join("readme");
    let ended = run(Command::new("sh").args(["-euc", &commands()]).env("CARGO_TARGET_DIR", target).current_dir(&copy));
    hold(&ended.done());
}

/// What the commands print, as the text around them says.
fn hold(out: &str) {
    let imports: Vec<&str> = out.lines().filter(|line| line.contains(" rows: ")).collect();
    let [first, second] = imports[..] else { panic!("{out}") };
    assert!(first.contains("2 new, 0 unchanged, 0 changed, 0 rejected; 2 organizations made"), "{first}");
    assert!(second.contains("0 new, 2 unchanged, 0 changed, 0 rejected; 0 organizations made"), "{second}");
    assert!(out.contains("lethe_") && out.contains("AGENT LIVE until"), "{out}");
    let head =
        |line: &str| line.split_whitespace().find(|word| word.contains(':') && word.len() > 64).map(str::to_owned);
    let heads: Vec<String> = out.lines().filter_map(head).collect();
    assert!(heads.len() >= 3 && heads.iter().all(|head| *head == heads[0]), "{out}");
}

#[test]
fn the_files_it_names_are_there() {
    let text = text();
    let walks = section(&text, "## Four walks");
    let names: Vec<&str> = walks.split('`').skip(1).step_by(2).filter(|name| name.contains('/')).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let (folder, rest) = name.split_once('/').unwrap();
        // Braces name several files of one folder.
        let (before, list) =
            rest.split_once('{').map_or((rest, None), |(before, list)| (before, list.strip_suffix('}')));
        for end in list.map_or(vec![""], |list| list.split(',').collect()) {
            let path = root().join(folder).join("src").join(format!("{before}{end}"));
            assert!(path.exists(), "the README names {name}: there is no {}", path.display());
        }
    }
    let links = text.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0);
    let files: Vec<&str> = links.filter(|link| !link.contains("://") && !link.starts_with('#')).collect();
    assert!(!files.is_empty());
    for file in files {
        assert!(root().join(file).exists(), "the README links to {file}, which is not there");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

fn commands() -> String {
    marked("commands")
}

/// The shell block between two marks.
fn marked(name: &str) -> String {
    let (text, [begin, end]) = (text(), ["begin", "end"].map(|side| format!("<!-- {name}: {side} -->")));
    let marked = text.split_once(&begin).unwrap().1.split_once(&end).unwrap().0;
    marked.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0.to_owned()
}

fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let rest = text.split_once(title).unwrap().1;
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

/// What a fresh checkout holds.
fn copy_sources(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (name, kind) = (entry.file_name(), entry.file_type().unwrap());
        if kind.is_dir() && name != "target" && name != ".git" && name != "node_modules" {
            copy_sources(&entry.path(), &to.join(name));
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}
