//! The slip: a text apart from the certificate, for the person alone, with the code that lets them come back. It is made
//! where the code is drawn, shown once, and stands in no file of the log and in no copy for an authority.

use domain::id::ErasureId;

use super::Language;

/// The text of a slip. `code` is the code as it is written; whoever has this text has it.
pub fn slip(erasure: ErasureId, origin: &str, code: &str, language: Language) -> String {
    let lines = match language {
        Language::En => [
            "Claim slip: for you alone",
            "Number of the certificate",
            "Ledger",
            "Code",
            "With this code, and only with it, you can later have shown to you what was held of you and that it was erased, and be \
             linked to that erasure if you come back. Nobody else has it: it is shown this once and kept nowhere, and nobody can \
             make it again. Whoever has this slip can do the same, so keep it apart from the certificate, and send it to nobody \
             who does not need it; the authority does not.",
            "To use it, name the number and show the code. Without the code, the number shows the erasure and nothing of whom it \
             was. If you do not want to be found again, destroy this slip.",
        ],
        Language::De => [
            "Abholschein: nur für Sie",
            "Nummer der Bescheinigung",
            "Hauptbuch",
            "Code",
            "Mit diesem Code und nur mit ihm können Sie sich später zeigen lassen, was über Sie geführt und dass es gelöscht wurde, \
             und sich damit verbinden lassen, wenn Sie wiederkommen. Niemand sonst hat ihn: Er wird nur dieses eine Mal gezeigt, \
             nirgends aufbewahrt und kann nicht neu hergestellt werden. Wer diesen Schein hat, kann dasselbe; bewahren Sie ihn \
             getrennt von der Bescheinigung auf. Die Aufsichtsbehörde braucht ihn nicht.",
            "Nennen Sie dazu die Nummer und zeigen Sie den Code. Ohne den Code zeigt die Nummer die Löschung und nichts davon, wer \
             es war. Wollen Sie nicht wiedergefunden werden, vernichten Sie diesen Schein.",
        ],
    };
    let [title, number, ledger, named, what, how] = lines;
    format!("{title}\n\n  {number}: {erasure}\n  {ledger}: {origin}\n  {named}: {code}\n\n{what}\n\n{how}\n")
}
