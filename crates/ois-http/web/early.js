// Before the first paint: the theme and the language that were kept, so that nothing flashes.
(() => {
  try {
    const theme = JSON.parse(localStorage.getItem('ois.theme') ?? 'null');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
    const lang = JSON.parse(localStorage.getItem('ois.lang') ?? 'null');
    if (lang === 'zh') document.documentElement.lang = 'zh-CN';
  } catch {
    // Nothing was kept, or nothing may be: the defaults hold.
  }
})();
