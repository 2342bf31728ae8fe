//! How much room a ledger takes: on the disk, and in memory.

use std::fs;
use std::path::Path;

use events::ledger::Keys;
use events::log::{Log, PartBytes};

use crate::Done;
use crate::{ledger, report};

/// The files of journal and index, by the bytes of records and sealed parts.
pub fn disk(dir: &Path, contacts: usize) -> Done {
    let data = dir.join("data");
    ledger::fill(&data, contacts)?;
    let ledger = ledger::open(&data)?;
    let (mut from, mut bytes) = (0, 0);
    loop {
        let entries = ledger.log().read(from, 4 << 20)?;
        if entries.is_empty() {
            break;
        }
        from += entries.len() as u64;
        for entry in entries {
            let parts = entry.parts.iter().map(|part| match &part.bytes {
                PartBytes::Present(bytes) => bytes.len() as u64,
                PartBytes::Swept { length } | PartBytes::Damaged { length } => u64::from(*length),
            });
            bytes += entry.record.len() as u64 + parts.sum::<u64>();
        }
    }
    drop(ledger);
    let (journal, index) = (below(&data.join("journal"))?, below(&data.join("index"))?);
    let copies = Keys::of(&data).copies;
    let (all, keyring) = (journal + index, copies.iter().map(|copy| below(copy)).sum::<Done<u64>>()?);
    println!(
        "disk, {from} records: {:.2} times the {bytes} bytes of records and sealed parts (journal {:.2}, index {:.2}; \
         both copies of the keyring beside them {:.2})",
        all as f64 / bytes as f64,
        journal as f64 / bytes as f64,
        index as f64 / bytes as f64,
        keyring as f64 / bytes as f64
    );
    Ok(())
}

/// What the process holds after a boot.
pub fn memory(dir: &Path, contacts: usize) -> Done {
    let data = dir.join("data");
    if !data.join("journal").is_dir() {
        ledger::fill(&data, contacts)?;
        println!("memory: the ledger is made; measure in a process that did not make it");
        return Ok(());
    }
    let before = report::resident("self")?;
    let ledger = ledger::open(&data)?;
    let counted = ledger.views().count_contacts(&projections::Filter::default()).max(1);
    let resident = report::resident("self")?;
    println!(
        "memory, {counted} contacts: {} bytes resident a contact ({} MB, {} MB before the boot)",
        resident / counted as u64,
        resident >> 20,
        before >> 20
    );
    Ok(())
}

fn below(dir: &Path) -> Done<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        bytes += if entry.path().is_dir() { below(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}
