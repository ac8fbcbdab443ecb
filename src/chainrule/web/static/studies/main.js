// What fills the room "Studies".
