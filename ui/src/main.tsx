import { render } from 'preact';
import { App } from './app/app';
import { begin as beginLocation } from './components/location';
import { applyTheme } from './app/theme';
import './app/styles/tokens.css';
import './app/styles/base.css';
import './app/styles/frame.css';
import './app/styles/parts.css';
import './app/styles/pages.css';
import './app/styles/run.css';
import './app/styles/editor.css';
import './app/styles/log.css';
import './app/styles/talk.css';

applyTheme();
beginLocation();
const page = document.getElementById('page');
if (page) render(<App />, page);
