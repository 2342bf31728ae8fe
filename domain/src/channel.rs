//! Channels: the ways to reach somebody that consent is asked for, each by itself.

use crate::code::codes;

codes! {
    /// A way to reach somebody.
    pub enum Channel {
        /// Electronic mail.
        Email = 1 "EMAIL",
        /// A spoken call.
        Phone = 2 "PHONE",
        /// A text message to a phone.
        Sms = 3 "SMS",
        /// A letter.
        Post = 4 "POST",
        /// A messenger or a social network.
        Messenger = 5 "MESSENGER",
    }
}
