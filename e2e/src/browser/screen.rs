//! The screen that a window has, and the preferences that the page is told.

use anyhow::Result;
use serde_json::json;

use super::page::Page;

/// A screen: width and height in CSS pixels, device pixels per CSS pixel, and whether it is touched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Screen {
    /// CSS pixels.
    pub width: u32,
    /// CSS pixels.
    pub height: u32,
    /// Device pixels per CSS pixel.
    pub scale: f64,
    /// A phone's viewport rules and a finger instead of a mouse.
    pub mobile: bool,
}

impl Screen {
    /// A screen on a desk.
    pub const DESK: Self = Self { width: 1280, height: 800, scale: 1.0, mobile: false };
    /// A phone, upright.
    pub const PHONE: Self = Self { width: 390, height: 844, scale: 2.0, mobile: true };
}

/// The colour scheme that the person prefers, as the page is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// The light scheme (`prefers-color-scheme: light`).
    Light,
    /// The dark scheme (`prefers-color-scheme: dark`).
    Dark,
}

/// Whether a page can be reached and can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The network works.
    There,
    /// Nothing goes in or out.
    Cut,
}

impl Page {
    /// Gives the window the size and kind of a screen.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn screen(&mut self, screen: Screen) -> Result<()> {
        let metrics = json!({
            "width": screen.width, "height": screen.height, "deviceScaleFactor": screen.scale,
            "mobile": screen.mobile,
        });
        self.cdp.call("Emulation.setDeviceMetricsOverride", metrics)?;
        // Said once more, it would forget that there is a mouse.
        if self.touched != screen.mobile {
            self.cdp
                .call("Emulation.setTouchEmulationEnabled", json!({"enabled": screen.mobile}))?;
            self.touched = screen.mobile;
        }
        Ok(())
    }

    /// Tells the page which theme is preferred, and that motion is not.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn theme(&mut self, theme: Theme) -> Result<()> {
        let scheme = if theme == Theme::Dark { "dark" } else { "light" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.cdp.call("Emulation.setEmulatedMedia", json!({"features": features}))?;
        Ok(())
    }

    /// Tells the page which language is preferred (`en-US`, `zh-CN`), from the next load on.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn language(&mut self, language: &str) -> Result<()> {
        let agent = json!({"userAgent": self.user_agent, "acceptLanguage": language});
        self.cdp.call("Emulation.setUserAgentOverride", agent)?;
        Ok(())
    }

    /// Cuts the page off from the network, or lets it back.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn network(&mut self, network: Network) -> Result<()> {
        let conditions = json!({
            "offline": network == Network::Cut, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.cdp.call("Network.emulateNetworkConditions", conditions)?;
        Ok(())
    }
}
