//! The memory of a running server, as a core dump or a snapshot of its machine would hold it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde_json::json;
use tests::desk;
use tests::server::Server;
use tests::vault::Vault;

const PAGE: usize = 4096;
const PIECE: usize = 256 * PAGE;

/// Everything that the root opens in a server's directory.
fn keys(data: &Path) -> Vec<[u8; 32]> {
    Vault::of(data).slots.into_values().collect()
}

/// How many of these lie in memory that the process can write.
fn found(pid: u32, keys: &[[u8; 32]]) -> usize {
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    // At every place a key is only looked for where its first two bytes stand.
    let mut begins = vec![false; 1 << 16];
    let mut sought: BTreeMap<[u8; 2], Vec<[u8; 32]>> = BTreeMap::new();
    for key in keys {
        begins[usize::from(u16::from_be_bytes([key[0], key[1]]))] = true;
        sought.entry([key[0], key[1]]).or_default().push(*key);
    }
    let mut found = 0;
    let mut piece = vec![0; PIECE];
    for (from, to) in writable(pid) {
        let mut at = from;
        while at < to {
            let wanted = PIECE.min((to - at) as usize);
            // A page that is the kernel's cannot be read.
            let read = memory.read_at(&mut piece[..wanted], at).unwrap_or(0);
            for page in (0..read).step_by(PAGE) {
                let page = page..read.min(page + PAGE);
                if piece[page.clone()].iter().all(|byte| *byte == 0) {
                    continue;
                }
                for start in page {
                    let Some(window) = piece[..read].get(start..start + 32) else { break };
                    if begins[usize::from(u16::from_be_bytes([window[0], window[1]]))] {
                        found += sought[&window[..2]].iter().filter(|key| *key == window).count();
                    }
                }
            }
            // What lies across two pieces is found with the second.
            at += if read == wanted && at + (wanted as u64) < to { wanted - PAGE } else { wanted } as u64;
        }
    }
    found
}

fn writable(pid: u32) -> Vec<(u64, u64)> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let range = |line: &str| {
        let mut words = line.split_whitespace();
        let (range, mode) = (words.next()?, words.next()?);
        let (from, to) = range.split_once('-').filter(|_| mode.starts_with("rw"))?;
        Some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
    };
    maps.lines().filter_map(range).collect()
}

#[test]
fn no_destroyed_key_is_in_the_memory_of_a_server() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::at(home.path(), &["--cooling-off", "0"]);
    let (agent, dpo) = (server.client("agent"), server.client("dpo"));
    desk::register(&agent, "Bertha", "Bleibt", "bertha@planted.example");
    let gone = desk::register(&agent, "Wanda", "Weg", "wanda@planted.example");
    let name = json!({ "id": gone.id });
    let read = |name: &serde_json::Value| agent.ask("query($id: ID!) { contact(id: $id) { name } }", name.clone());
    assert!(!read(&name)["contact"]["name"].is_null());
    let before = keys(home.path());
    assert!(found(server.pid(), &before) > 0, "no key is found at all: the looking is blind");

    let (_, stage) = desk::forget(&agent, &dpo, &gone);
    assert_eq!(stage, "CERTIFIED");
    assert!(read(&name)["contact"]["name"].is_null());
    let after = keys(home.path());
    let destroyed: Vec<[u8; 32]> = before.iter().filter(|key| !after.contains(key)).copied().collect();
    assert!(!destroyed.is_empty());
    assert_eq!(found(server.pid(), &destroyed), 0, "of {} destroyed keys", destroyed.len());
    assert!(found(server.pid(), &after) > 0);
}
