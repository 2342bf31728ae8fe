//! Countries as exports name them: codes, English names, and the names in German, French, Spanish, Portuguese and Italian.

use std::collections::HashMap;

use domain::compartment::Country;

use super::fold::fold;

/// How many spellings are remembered, so that a row does not search the tables again.
const REMEMBERED: usize = 1_000;

/// Reads countries, and remembers the spellings it met.
#[derive(Default)]
pub struct Countries {
    known: HashMap<String, Option<Country>>,
}

impl Countries {
    /// The country that this text names, if it is one.
    pub fn named(&mut self, text: &str) -> Option<Country> {
        if let Some(found) = self.known.get(text) {
            return *found;
        }
        let found = Country::named(text).or_else(|| elsewhere(&fold(text)));
        if self.known.len() < REMEMBERED {
            self.known.insert(text.to_owned(), found);
        }
        found
    }
}

fn elsewhere(folded: &str) -> Option<Country> {
    let found = NAMES.iter().find(|(_, names)| names.split(' ').any(|name| name == folded));
    found.and_then(|(code, _)| Country::parse(code).ok())
}

/// Folded names that are neither the English name nor one the domain knows.
const NAMES: &[(&str, &str)] = &[
    ("AD", "andorre"),
    ("AE", "vereinigtearabischeemirate emiratsarabesunis emiratosarabesunidos emiradosarabesunidos are"),
    ("AL", "albanien albanie shqiperia"),
    ("AM", "armenien armenie"),
    ("AR", "argentinien argentine arg"),
    ("AT", "osterreich oesterreich autriche aut"),
    ("AU", "australien australie aus"),
    ("AZ", "aserbaidschan azerbaidjan azerbaiyan azerbaijao"),
    ("BA", "bosnienundherzegowina bosnienherzegowina bosnia bosniaandherzegovina bosnieherzegovine bosniayherzegovina"),
    ("BD", "bangladesch"),
    ("BE", "belgica bel"),
    ("BG", "bulgarien bulgarie bulgaria bgr"),
    ("BO", "bolivien bolivie"),
    ("BR", "brasilien bresil brasile bra"),
    ("BY", "weissrussland bielorussie bielorrusia bielorrussia"),
    ("CA", "kanada can"),
    ("CD", "demokratischerepublikkongo democraticrepublicofthecongo republiquedemocratiqueducongo"),
    ("CH", "confoederatiohelvetica suiza suica svizra che"),
    ("CI", "cotedivoire elfenbeinkuste costadelmarfil costadomarfim"),
    ("CL", "chili"),
    ("CM", "kamerun cameroun camerun camaroes"),
    ("CN", "chine cina volksrepublikchina chn prc"),
    ("CO", "kolumbien colombie"),
    ("CU", "kuba"),
    ("CY", "zypern chypre chipre kypros"),
    ("CZ", "tschechien tschechischerepublik republiquetcheque tchequie chequia republicacheca ceskarepublika"),
    (
        "DE",
        "alemania alemanha germania duitsland tyskland niemcy brd federalrepublicofgermany bundesrepublikdeutschland deu ger",
    ),
    ("DK", "danemark dinamarca danimarca dnk"),
    ("DO", "dominikanischerepublik republiquedominicaine republicadominicana"),
    ("DZ", "algerien algerie argelia"),
    ("EE", "estland estonie eesti"),
    ("EG", "agypten egypte egipto egito egitto"),
    ("ES", "espagne espanha spagna spanje esp"),
    ("ET", "athiopien ethiopie etiopia"),
    ("FI", "finnland finlande finlandia fin"),
    ("FR", "francia franca frankrijk frankrike francja fra"),
    (
        "GB",
        "vereinigteskonigreich grossbritannien royaumeuni reinounido regnounito angleterre inglaterra inghilterra gbr \
            unitedkingdomofgreatbritainandnorthernireland schottland",
    ),
    ("GE", "georgien georgie"),
    ("GR", "griechenland grece grecia griekenland ellada grc"),
    ("HR", "kroatien croatie croacia croazia hrvatska hrv"),
    ("HU", "ungarn hongrie hungria ungheria hun"),
    ("ID", "indonesien indonesie"),
    ("IE", "irland irlande irlanda irl"),
    ("IN", "indien inde ind"),
    ("IQ", "irak"),
    ("IS", "island islande islandia"),
    ("IT", "italie ita"),
    ("JO", "jordanien jordanie jordania"),
    ("JP", "japon japao giappone nippon jpn"),
    ("KE", "kenia"),
    ("KR", "sudkorea coreedusud coreadelsur coreiadosul coreadelsud kor"),
    ("KP", "nordkorea coreedunord coreadelnorte"),
    ("KZ", "kasachstan kazajistan"),
    ("LB", "libanon liban libano"),
    ("LT", "litauen lituanie lituania lietuva"),
    ("LU", "luxemburgo lussemburgo letzebuerg lux"),
    ("LV", "lettland lettonie letonia latvija"),
    ("LY", "libyen libye libia"),
    ("MA", "marokko maroc marruecos marrocos marocco"),
    ("MD", "moldau moldawien moldavie moldavia"),
    ("MK", "nordmazedonien macedoinedunord"),
    ("MN", "mongolei mongolie"),
    ("MT", "malte"),
    ("MX", "mexiko mexique messico mex"),
    ("MY", "malaysien malaisie malasia"),
    ("NL", "niederlande paysbas paisesbajos paisesbaixos paesibassi nld"),
    ("NO", "norwegen norvege noruega norvegia nor"),
    ("NZ", "neuseeland nouvellezelande nuevazelanda novazelandia nzl"),
    ("PE", "perou"),
    ("PH", "philippinen filipinas thephilippines"),
    ("PL", "polen pologne polonia pol"),
    ("PT", "portogallo prt"),
    ("RO", "rumanien roumanie rumania romenia"),
    ("RS", "serbien serbie srbija"),
    ("RU", "russland russie rusia rossija rossiya rus"),
    ("SA", "saudiarabien saudiarabia arabiesaoudite arabiasaudita arabiasaudi ksa"),
    ("SE", "schweden suede suecia svezia zweden swe"),
    ("SG", "singapur singapour sgp"),
    ("SI", "slowenien slovenie eslovenia slovenija"),
    ("SK", "slowakei slovaquie eslovaquia slovensko slovakrepublic"),
    ("SY", "syrien syrie siria"),
    ("TH", "thailande tailandia"),
    ("TN", "tunesien tunisie tunez"),
    ("TR", "turkei turquie turquia turchia tur"),
    ("TZ", "tansania tanzanie"),
    ("UA", "ucrania ucraina ukraina ukr"),
    ("US", "vereinigtestaaten vereinigtestaatenvonamerika etatsunis estadosunidos statiuniti theunitedstates eeuu us"),
    ("UZ", "usbekistan ouzbekistan"),
    ("VE", "venezuelabolivarianrepublicof ven"),
    ("ZA", "sudafrika afriquedusud sudafrica africadosul rsa zaf"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<String> {
        Countries::default().named(text).map(|country| country.to_string())
    }

    #[test]
    fn countries_are_known_in_several_languages() {
        for (text, expected) in [
            ("UK", "GB"),
            ("USA", "US"),
            ("U.S.A.", "US"),
            ("Brazil", "BR"),
            ("Mexico", "MX"),
            ("Germany", "DE"),
            ("de", "DE"),
            ("ALLEMAGNE", "DE"),
            ("Oesterreich", "AT"),
            ("États-Unis", "US"),
            ("Países Bajos", "NL"),
            ("Côte d’Ivoire", "CI"),
            ("Türkei", "TR"),
        ] {
            assert_eq!(code(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(code("Atlantis"), None);
        assert_eq!(code(""), None);
    }

    #[test]
    fn every_name_is_folded_and_of_one_country() {
        let mut seen = HashMap::new();
        for (country, names) in NAMES {
            assert!(Country::parse(country).is_ok(), "{country}");
            for name in names.split(' ') {
                assert_eq!(fold(name), name);
                assert_eq!(*seen.entry(name).or_insert(country), country, "{name}");
            }
        }
    }

    #[test]
    fn a_file_full_of_other_spellings_is_not_remembered_without_end() {
        let mut countries = Countries::default();
        for number in 0..2 * REMEMBERED {
            assert_eq!(countries.named(&format!("nowhere {number}")), None);
        }
        assert_eq!(countries.known.len(), REMEMBERED);
    }
}
