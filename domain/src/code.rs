//! Registered codes: enums that become facts. A number, once given, keeps its meaning for as long as there are records.

/// Declares enums whose variants are facts: each has a number for records and a name for people and GraphQL.
///
/// A number is never given twice and a variant is never taken out; a new one gets the next number.
macro_rules! codes {
    ($($(#[$doc:meta])* pub enum $name:ident { $($(#[$about:meta])* $variant:ident = $code:literal $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $($(#[$about])* $variant,)*
        }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number that records hold.
            pub fn code(self) -> u16 {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// Reads the number; a number that was never given is nothing.
            pub fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name that GraphQL and trails show.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// Reads the name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    )*};
}

pub(crate) use codes;

#[cfg(test)]
mod tests {
    codes! {
        /// For the test.
        pub enum Fruit {
            /// Red.
            Apple = 1 "APPLE",
            /// Yellow.
            LongBanana = 7 "LONG_BANANA",
        }
    }

    #[test]
    fn codes_and_names_read_back_and_strange_ones_do_not() {
        for fruit in Fruit::ALL.iter().copied() {
            assert_eq!(Fruit::from_code(fruit.code()), Some(fruit));
            assert_eq!(Fruit::named(fruit.name()), Some(fruit));
        }
        assert_eq!(Fruit::LongBanana.code(), 7);
        assert_eq!(Fruit::from_code(2), None);
        assert_eq!(Fruit::named("Apple"), None);
    }
}
